//! A fast hash for short keys: the same on every machine, so that tables and decisions are too.
//!
//! It does not resist chosen collisions. Its tables hold the pack's own words, so a stranger can lengthen a look-up by a
//! few probes but never fill a table.

const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;

/// Mixes one number into a running hash.
#[inline]
pub(crate) fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(MULTIPLIER)
}

/// Spreads the entropy of the high bits over the low ones, which index tables.
#[inline]
pub(crate) fn finish(hash: u64) -> u64 {
    let spread = (hash ^ (hash >> 32)).wrapping_mul(MULTIPLIER);
    spread ^ (spread >> 29)
}

#[inline]
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    // The last bytes of a longer word may be read twice; that is faster than reading the rest one by one.
    if let Some(last) = bytes.last_chunk::<8>() {
        for chunk in bytes.as_chunks::<8>().0 {
            hash = mix(hash, u64::from_le_bytes(*chunk));
        }
        hash = mix(hash, u64::from_le_bytes(*last));
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        hash = mix(
            hash,
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)),
        );
    } else {
        hash = mix(
            hash,
            bytes
                .iter()
                .fold(0, |all, &byte| all << 8 | u64::from(byte)),
        );
    }
    finish(hash)
}

/// Reduces a hash to a place in a table of `slots` places.
#[inline]
pub(crate) fn place(hash: u64, slots: usize) -> usize {
    (((hash & 0xffff_ffff) * slots as u64) >> 32) as usize
}
