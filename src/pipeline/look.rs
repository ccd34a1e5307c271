//! A recording and a choice of its threads, time and requests in; their call tree and their splits out, at once.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Analysis, SEED};
use crate::attribute::{self, Lens};
use crate::model::{Attribution, Brush, Flame, Item, Objective, ObjectiveSplit, Profile, Slo};
use crate::rank;

/// What is at hand of a recording, made once and when it is first asked for: with ten million samples it takes seconds, and
/// any choice of them milliseconds.
#[derive(Debug, Default)]
pub struct Ready {
    attribution: OnceLock<Attribution>,
    lens: OnceLock<Lens>,
    /// The recording that was last compared with, and its name.
    older: Mutex<Option<(String, Arc<Older>)>>,
}

impl Ready {
    /// The attribution is known.
    pub fn with(attribution: Attribution) -> Ready {
        Ready { attribution: attribution.into(), ..Ready::default() }
    }

    /// The older recording of this name, which is read where it is not the last one asked for.
    ///
    /// # Errors
    /// As reading it.
    pub fn older<E>(&self, name: &str, read: impl FnOnce() -> Result<Profile, E>) -> Result<Arc<Older>, E> {
        let mut kept = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, older)) = kept.as_ref().filter(|(known, _)| known == name) {
            return Ok(older.clone());
        }
        let older = Arc::new(Older::new(read()?));
        *kept = Some((name.to_owned(), older.clone()));
        Ok(older)
    }
}

/// A recording to compare with.
#[derive(Debug, Default)]
pub struct Older {
    profile: Profile,
    ready: Ready,
}

impl Older {
    /// Nothing of it is at hand yet.
    pub fn new(profile: Profile) -> Older {
        Older { profile, ready: Ready::default() }
    }
}

/// A part of a recording, looked at again.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The call tree of its samples.
    pub flame: Flame,
    /// The splits of its requests; `None` where the whole recording is looked at, whose splits are known.
    pub objectives: Option<Vec<ObjectiveSplit>>,
}

/// A recording with what is at hand of it.
struct Recorded<'a> {
    profile: &'a Profile,
    ready: &'a Ready,
    items: &'a [Item],
    options: attribute::Options,
}

impl Recorded<'_> {
    fn attribution(&self) -> &Attribution {
        let make = || attribute::attribute(self.profile, self.items, &self.options);
        self.ready.attribution.get_or_init(make)
    }

    fn lens(&self) -> &Lens {
        self.ready.lens.get_or_init(|| Lens::new(self.profile, self.items, &self.options))
    }

    /// The attribution of what a brush leaves.
    fn part(&self, brush: &Brush) -> Attribution {
        let (lens, whole) = (self.lens(), self.attribution());
        let requests = self.profile.requests_in(brush, lens.begin_ns());
        let weighed = match whole.placed.joined_samples {
            0 => lens.weighed(&lens.filter(brush, None)),
            _ => Vec::new(),
        };
        attribute::part(whole, &requests, &weighed)
    }
}

impl Analysis {
    /// Makes ready what [`look`] needs; a later look then answers at once.
    pub fn make_ready(&self, slo: &Slo) {
        let recorded = recorded(self, slo);
        recorded.attribution();
        recorded.lens();
    }
}

fn recorded<'a>(analysis: &'a Analysis, slo: &Slo) -> Recorded<'a> {
    let options = attribute::Options { own: slo.code.own.clone() };
    Recorded { profile: &analysis.profile, ready: &analysis.ready, items: &analysis.items, options }
}

/// Makes the call tree of the part that the brush leaves, of the requests around an objective's quantile alone if `tail`
/// is asked for, and splits the quantiles of that part's requests anew. Where an older recording is given, the call tree
/// is compared with all of it, or with the requests around its own quantile.
pub fn look(
    analysis: &Analysis,
    slo: &Slo,
    objective: usize,
    tail: bool,
    brush: &Brush,
    older: Option<&Older>,
) -> Look {
    let now = recorded(analysis, slo);
    let before = older.map(|older| Recorded {
        profile: &older.profile,
        ready: &older.ready,
        items: now.items,
        options: now.options.clone(),
    });
    let part = (!brush.is_empty()).then(|| now.part(brush));
    let asked = slo.objectives.get(objective).filter(|_| tail);
    let around = |a: &Attribution, o: &Objective| rank::around_quantile(a, o);
    let mut chosen = asked.and_then(|o| around(part.as_ref().unwrap_or_else(|| now.attribution()), o));
    let chosen_before = asked.filter(|_| chosen.is_some()).zip(before.as_ref());
    let chosen_before = chosen_before.and_then(|(o, before)| around(before.attribution(), o));
    // The tail of the one and all of the other have nothing to say to each other.
    chosen = chosen.filter(|_| older.is_none() || chosen_before.is_some());
    let lens = now.lens();
    let mut flame = lens.flame(&lens.filter(brush, chosen));
    if let Some(before) = &before {
        let lens = before.lens();
        attribute::compare(&mut flame, &lens.flame(&lens.filter(&Brush::default(), chosen_before)));
    }
    let options = rank::Options { seed: SEED, despite_quality: true };
    Look { flame, objectives: part.map(|part| rank::rank(&part, slo, options).objectives) }
}
