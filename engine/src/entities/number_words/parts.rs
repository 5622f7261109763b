//! The words that numbers are made of, in each language.
//!
//! How they are put together is read in the module above.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word does in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Zero,
    /// 1 to 9 of English and Afrikaans.
    Unit(u64),
    /// What takes no unit: 10 to 19, and numbers below a hundred that are one word ("vyfentwintig").
    Teen(u64),
    /// 20, 30 … 90 of English and Afrikaans.
    Tens(u64),
    /// 100, 1,000 or 1,000,000 of English and Afrikaans.
    Power(u64),
    /// "and", "en".
    And,
    /// 10, 100, 1,000 or 1,000,000 of Sesotho and isiXhosa, in the singular.
    One(u64),
    /// The same in the plural: what it is multiplied by follows.
    Many(u64),
    /// 1 to 9 of Sesotho and isiXhosa, in a form that is a number only after a noun of number.
    Digit(u64),
    /// 1 to 9 in a form that also stands alone.
    Count(u64),
    /// 1 to 9, added to what stands before ("elinesihlanu").
    Plus(u64),
    /// The word before units that are added ("metso").
    Root,
    /// A concord between a noun and its number.
    Link,
}

/// The part that `word`, folded, has in a number.
pub(super) fn part(word: &str) -> Option<Part> {
    PARTS
        .get(word)
        .copied()
        .or_else(|| afrikaans_compound(word))
}

/// "vyfentwintig", "tweeëntagtig".
fn afrikaans_compound(word: &str) -> Option<Part> {
    let (unit, tens) = if word.ends_with("tig") {
        word.split_once("en")?
    } else {
        return None;
    };
    // "een" and "sewe" hold what joins them: "eenentwintig", "sewentig".
    let (unit, tens) = if unit == "e" {
        ("een", tens.strip_prefix("en")?)
    } else {
        (unit, tens)
    };
    match (PARTS.get(unit)?, PARTS.get(tens)?) {
        (Part::Unit(unit), Part::Tens(tens)) => Some(Part::Teen(unit + tens)),
        _ => None,
    }
}

const ENGLISH_AND_AFRIKAANS: [(Part, &str); 32] = [
    (Part::Zero, "zero nul"),
    (Part::And, "and en"),
    (Part::Unit(1), "one een"),
    (Part::Unit(2), "two twee"),
    (Part::Unit(3), "three drie"),
    (Part::Unit(4), "four vier"),
    (Part::Unit(5), "five vyf"),
    (Part::Unit(6), "six ses"),
    (Part::Unit(7), "seven sewe"),
    (Part::Unit(8), "eight agt"),
    (Part::Unit(9), "nine nege"),
    (Part::Teen(10), "ten tien"),
    (Part::Teen(11), "eleven elf"),
    (Part::Teen(12), "twelve twaalf"),
    (Part::Teen(13), "thirteen dertien"),
    (Part::Teen(14), "fourteen veertien"),
    (Part::Teen(15), "fifteen vyftien"),
    (Part::Teen(16), "sixteen sestien"),
    (Part::Teen(17), "seventeen sewentien"),
    (Part::Teen(18), "eighteen agtien agttien"),
    (Part::Teen(19), "nineteen negentien neentien"),
    (Part::Tens(20), "twenty twintig"),
    (Part::Tens(30), "thirty dertig"),
    (Part::Tens(40), "forty fourty veertig"),
    (Part::Tens(50), "fifty vyftig"),
    (Part::Tens(60), "sixty sestig"),
    (Part::Tens(70), "seventy sewentig"),
    (Part::Tens(80), "eighty tagtig tagentig"),
    (Part::Tens(90), "ninety negentig neentig"),
    (Part::Power(100), "hundred honderd"),
    (Part::Power(1000), "thousand duisend"),
    (Part::Power(1_000_000), "million miljoen"),
];

const SESOTHO: [(Part, &str); 24] = [
    (Part::One(10), "leshome"),
    (Part::One(100), "lekgolo"),
    (Part::One(1000), "sekete"),
    (Part::One(1_000_000), "milione"),
    (Part::Many(10), "mashome"),
    (Part::Many(100), "makgolo"),
    (Part::Many(1000), "dikete"),
    (Part::Many(1_000_000), "dimilione"),
    (Part::Digit(1), "nngwe mong"),
    (Part::Count(2), "pedi mabedi babedi"),
    (Part::Digit(2), "mmedi mebedi"),
    (Part::Count(3), "tharo mararo bararo"),
    (Part::Digit(3), "meraro"),
    (Part::Count(4), "nne"),
    (Part::Digit(4), "mane bane mene"),
    (Part::Count(5), "hlano mahlano bahlano"),
    (Part::Digit(5), "mehlano"),
    (Part::Count(6), "tshelela"),
    (Part::Digit(6), "tsheletseng tshelelang"),
    (Part::Digit(7), "supa supileng supang"),
    (Part::Count(8), "robedi"),
    (Part::Count(9), "robong"),
    (Part::Root, "metso motso"),
    (Part::Link, "le a e o tse ba"),
];

const XHOSA: [(Part, &str); 27] = [
    (
        Part::One(10),
        "ishumi alishumi elineshumi aneshumi ezilishumi",
    ),
    (
        Part::One(100),
        "ikhulu alikhulu elinekhulu anekhulu ezilikhulu",
    ),
    (Part::One(1000), "iwaka eliwaka eziliwaka"),
    (Part::One(1_000_000), "isigidi"),
    (
        Part::Many(10),
        "amashumi elinamashumi anamashumi ezingamashumi",
    ),
    (
        Part::Many(100),
        "amakhulu elinamakhulu anamakhulu ezingamakhulu",
    ),
    (Part::Many(1000), "amawaka ezingamawaka"),
    (Part::Many(1_000_000), "izigidi"),
    (Part::Count(1), "inye"),
    (
        Part::Count(2),
        "amabini mabini zimbini ezimbini mbini ababini",
    ),
    (
        Part::Count(3),
        "amathathu mathathu zintathu ezintathu ntathu abathathu",
    ),
    (Part::Count(4), "amane zine ezine"),
    (Part::Digit(4), "abane"),
    (
        Part::Count(5),
        "amahlanu mahlanu zintlanu ezintlanu ntlanu abahlanu",
    ),
    (
        Part::Count(6),
        "amathandathu mathandathu zintandathu ezintandathu ntandathu",
    ),
    (Part::Count(7), "sixhenxe isixhenxe asixhenxe ezisixhenxe"),
    (Part::Count(8), "sibhozo isibhozo asibhozo ezisibhozo"),
    (Part::Count(9), "lithoba ithoba alithoba ezilithoba"),
    (Part::Plus(1), "elinanye ananye elinesinye anesinye"),
    (Part::Plus(2), "elinesibini anesibini elinambini anambini"),
    (Part::Plus(3), "elinesithathu anesithathu"),
    (Part::Plus(4), "elinesine anesine"),
    (Part::Plus(5), "elinesihlanu anesihlanu"),
    (Part::Plus(6), "elinesithandathu anesithandathu"),
    (Part::Plus(7), "elinesixhenxe anesixhenxe"),
    (Part::Plus(8), "elinesibhozo anesibhozo"),
    (Part::Plus(9), "elinethoba anethoba"),
];

/// One look-up a word, whatever the number of languages.
static PARTS: LazyLock<HashMap<&'static str, Part>> = LazyLock::new(|| {
    let mut parts = HashMap::new();
    for (part, spellings) in ENGLISH_AND_AFRIKAANS.iter().chain(&SESOTHO).chain(&XHOSA) {
        parts.extend(spellings.split(' ').map(|word| (word, *part)));
    }
    parts
});
