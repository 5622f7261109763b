//! Weighs the evidence of words against each other: which language, and how certain.
//!
//! Evidence may come from n-grams or from known words; it is all in the same units here.

use super::table::UNITS_PER_NAT;

/// Languages a pack may have; as many as [`Known::In`] has bits.
pub(crate) const PACK_LANGUAGES_MAX: usize = u16::BITS as usize;

/// Languages that can be weighed against each other: a pack's, and the neighbours among them.
pub(crate) const SIDES_MAX: usize = PACK_LANGUAGES_MAX + 8;

/// Evidence for each side.
pub(crate) type Evidence = [i32; SIDES_MAX];

/// What a language gains by each letter of a word that it knows, and the letters that count: "a" and "ke" say little.
const KNOWN_LETTER_GAIN: i32 = 3 * UNITS_PER_NAT / 4;
const KNOWN_LETTERS_MAX: u32 = 4;

/// What known words can gain at most for a language of the pack against a neighbour.
const GAIN_AGAINST_FOREIGN_MAX: i32 = 6 * UNITS_PER_NAT;

/// A neighbour must be likelier than the pack's best language by this much before the text is taken for foreign: people
/// who write to a pack mostly write in its languages.
const FOREIGN_MARGIN: i32 = 4 * UNITS_PER_NAT;

/// By the n-grams of one word no language falls further behind than this: names of people, streets and towns are normal
/// in every language, and they look like one of them.
const GRAMS_LEAD_MAX: i32 = 5 * UNITS_PER_NAT / 2;

/// So many words that the pack does not know must be there before they alone can make a language certain; of two, the
/// n-grams must lead by so much. "Umbane awukho" leads by ten nats, the names of a person by up to nine.
const STRANGERS_MIN: u32 = 3;
const TWO_STRANGERS_LEAD_MIN: i32 = 19 * UNITS_PER_NAT / 2;

/// A single word counts for at most this much when it contradicts the others.
const WORD_EVIDENCE_MAX: i32 = 4 * UNITS_PER_NAT;

/// Leads up to this are no sign of another language: near languages share words and parts of words.
const WORD_LEAD_MIN: i32 = 5 * UNITS_PER_NAT / 2;

/// A text is mixed when the words that speak for other languages weigh more than one part in this many of those that
/// speak for the likeliest.
const MIXED_PART: i32 = 4;

/// Thousandths of certainty for every quarter of a nat between the likeliest language and the next: the logistic
/// function of 1.3 times the lead, as the command measured it on short pieces, tabled so that no machine rounds it
/// differently.
const CERTAINTY: [u16; 14] = [
    500, 581, 657, 726, 786, 835, 875, 907, 931, 949, 963, 973, 980, 986,
];

/// Beyond the table; no text is ever quite certain.
const CERTAINTY_MAX: u16 = 990;

/// The highest certainty of a mixed text, and of a short one, in thousandths.
const MIXED_CERTAINTY_MAX: u16 = 600;
const SHORT_CERTAINTY_MAX: u16 = 400;

/// A text is short below this many thirds of a letter: four letters when all of it is known, six when none is.
/// "Hi", "ok" and "yes" are said in every language.
const SHORT_BELOW: u32 = 12;
const KNOWN_LETTER: u32 = 3;
const UNKNOWN_LETTER: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// One of the pack's languages, by its place.
    Ours(usize),
    /// None of the pack's languages.
    Foreign,
    /// The text says nothing.
    Unknown,
}

/// What the pack knows of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    No,
    /// Bit n is the pack's n-th language; no bit for a word of no language, as the name of a town.
    In(u16),
}

impl Known {
    fn by(self, place: usize) -> bool {
        matches!(self, Self::In(languages) if languages & 1 << place != 0)
    }

    fn by_any(self) -> bool {
        matches!(self, Self::In(languages) if languages != 0)
    }
}

/// What the words of one text say together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// How many of the sides are the pack's; they come first.
    ours: usize,
    sides: usize,
    /// The n-grams alone, as they are.
    grams: Evidence,
    /// N-grams as far as one word may speak, and known words, for the pack's sides.
    total: Evidence,
    /// Known words alone, for the pack's sides.
    gains: Evidence,
    /// For each of the pack's sides, the lead it had in the known words that it led, and in the others by their n-grams.
    leads: Evidence,
    stranger_leads: Evidence,
    /// Letters read, by weight.
    length: u32,
    /// Words that the pack does not know as words of a language.
    strangers: u32,
    excluded: bool,
}

impl Tally {
    pub(crate) fn new(ours: usize, neighbours: usize) -> Self {
        let ours = ours.min(PACK_LANGUAGES_MAX);
        let none = [0; SIDES_MAX];
        Self {
            ours,
            sides: (ours + neighbours).min(SIDES_MAX),
            grams: none,
            total: none,
            gains: none,
            leads: none,
            stranger_leads: none,
            length: 0,
            strangers: 0,
            excluded: false,
        }
    }

    /// Adds one word: what its n-grams say for each side, and what is known of it. The letters of a known word count
    /// half: what it is says more than what it looks like.
    pub(crate) fn add(&mut self, grams: &Evidence, letters: u32, known: Known) {
        self.length += letters
            * if known.by_any() {
                KNOWN_LETTER
            } else {
                UNKNOWN_LETTER
            };
        self.strangers += u32::from(!known.by_any());
        add_to(&mut self.grams, grams);
        let bounded = bounded(grams, self.ours);
        let gain = KNOWN_LETTER_GAIN * letters.min(KNOWN_LETTERS_MAX).cast_signed();
        let mut evidence = [0; SIDES_MAX];
        for (place, (value, gram)) in evidence.iter_mut().zip(bounded).take(self.ours).enumerate() {
            let gram = if known.by_any() { gram / 2 } else { gram };
            *value = gram + if known.by(place) { gain } else { 0 };
        }
        add_to(&mut self.total, &evidence);
        for (place, sum) in self.gains.iter_mut().take(self.ours).enumerate() {
            *sum += if known.by(place) { gain } else { 0 };
        }
        let (led, leads) = if known.by_any() {
            (&evidence, &mut self.leads)
        } else {
            (grams, &mut self.stranger_leads)
        };
        if known != Known::In(0)
            && let Some((leader, lead)) = leader(led.get(..self.ours).unwrap_or(&[]))
            && let Some(sum) = leads.get_mut(leader)
        {
            *sum += (lead - WORD_LEAD_MIN).clamp(0, WORD_EVIDENCE_MAX);
        }
    }

    /// Whether a known word spoke for the language at `place`.
    pub(crate) fn knows(&self, place: usize) -> bool {
        self.gains.get(place).is_some_and(|gain| *gain > 0)
    }

    /// Takes a language of the pack out of the choice: the table does not hold it and no known word spoke for it.
    pub(crate) fn exclude(&mut self, place: usize) {
        for (list, value) in [
            (&mut self.total, i32::MIN / 2),
            (&mut self.leads, 0),
            (&mut self.stranger_leads, 0),
        ] {
            if let Some(slot) = list.get_mut(place) {
                *slot = value;
            }
        }
        self.excluded = true;
    }

    /// The likeliest side, and the certainty of that in thousandths.
    pub(crate) fn verdict(&self) -> (Side, u16) {
        let ours = self.total.get(..self.ours).unwrap_or(&[]);
        let Some((best, margin)) = leader(ours).filter(|_| self.length > 0) else {
            return (Side::Unknown, 0);
        };
        match self
            .foreign_lead(best)
            .filter(|lead| *lead >= FOREIGN_MARGIN)
        {
            // What looks foreign may be the language that could not be chosen.
            Some(_) if self.excluded => (Side::Unknown, 0),
            Some(lead) => (
                Side::Foreign,
                certainty(lead).min(self.length_limit().min(self.strangers_limit(None))),
            ),
            None => {
                let mut limit = self.length_limit().min(self.mixture_limit(best));
                if !self.knows(best) {
                    limit = limit.min(self.strangers_limit(Some(best)));
                }
                (Side::Ours(best), certainty(margin).min(limit))
            }
        }
    }

    /// How much likelier the likeliest neighbour is than any of the pack's languages. Neighbours share words, and nobody
    /// lists theirs: so known words of the likeliest count little here, and n-grams decide.
    fn foreign_lead(&self, best: usize) -> Option<i32> {
        let (ours, neighbours) = self.grams.split_at_checked(self.ours)?;
        let nearest = neighbours.iter().take(self.sides - self.ours).max()?;
        let gain = self.gains.get(best)?.min(&GAIN_AGAINST_FOREIGN_MAX);
        Some(nearest - ours.iter().max()? - gain)
    }

    fn length_limit(&self) -> u16 {
        if self.length < SHORT_BELOW {
            SHORT_CERTAINTY_MAX
        } else {
            CERTAINTY_MAX
        }
    }

    /// For what no known word speaks for: a name or two are no sentence.
    fn strangers_limit(&self, best: Option<usize>) -> u16 {
        let overwhelming = || {
            let led = leader(self.grams.get(..self.ours).unwrap_or(&[]));
            led.is_some_and(|(leader, lead)| Some(leader) == best && lead >= TWO_STRANGERS_LEAD_MIN)
        };
        if self.strangers >= STRANGERS_MIN || (self.strangers == 2 && overwhelming()) {
            CERTAINTY_MAX
        } else {
            SHORT_CERTAINTY_MAX
        }
    }

    /// Where known words tell languages apart, only they make a text mixed: a stranger may be a name.
    fn mixture_limit(&self, best: usize) -> u16 {
        let told = leader(self.gains.get(..self.ours).unwrap_or(&[]));
        let leads = if told.is_some_and(|(_, lead)| lead > 0) {
            &self.leads
        } else {
            &self.stranger_leads
        };
        let for_it = leads.get(best).copied().unwrap_or(0);
        let against = leads.iter().sum::<i32>() - for_it;
        if against * MIXED_PART > for_it {
            MIXED_CERTAINTY_MAX
        } else {
            CERTAINTY_MAX
        }
    }
}

/// The evidence of one word's n-grams, none of the first `sides` further behind than one word can put it.
fn bounded(grams: &Evidence, sides: usize) -> Evidence {
    let best = grams.iter().take(sides).max().copied().unwrap_or(0);
    grams.map(|value| value.max(best - GRAMS_LEAD_MAX))
}

fn add_to(sums: &mut Evidence, values: &Evidence) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value);
}

/// The greatest of `evidence` and its lead over the next; the first of equals, without a lead.
fn leader(evidence: &[i32]) -> Option<(usize, i32)> {
    let (mut best, mut best_score, mut next_score) = (None, i32::MIN, i32::MIN);
    for (side, &score) in evidence.iter().enumerate() {
        if score > best_score {
            (best, best_score, next_score) = (Some(side), score, best_score);
        } else {
            next_score = next_score.max(score);
        }
    }
    best.map(|side| (side, best_score.saturating_sub(next_score)))
}

fn certainty(margin: i32) -> u16 {
    let quarter = usize::try_from(margin / (UNITS_PER_NAT / 4)).unwrap_or(0);
    CERTAINTY.get(quarter).copied().unwrap_or(CERTAINTY_MAX)
}
