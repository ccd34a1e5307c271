//! Services whose split is known in; recordings drawn from them again and again, and how often the intervals hold it, out.
//!
//! Each recording takes the way of a real one: requests with their polls and waits, a sample for every millisecond on the
//! CPU, attribution, ranking. `tests/bench/coverage.rs` draws a thousand of each service and size; here are fewer.

use refit::model::{
    Frame, FrameId, Item, Node, NodeId, Objective, ObjectiveSplit, Poll, Profile, Request, Sample, Slo, Unit, Wait,
};
use refit::rank::Ranking;
use refit::source::{FileRole, SourceFile, told_apart};
use refit::{attribute, rank};

/// What a request spends its time with, in the order of a draw.
pub const PARTS: [&str; 3] = ["svc::steady", "svc::heavy", "acquirer"];
const QUANTILE: f64 = 0.99;
/// A sample is taken each time the thread was on the CPU for so long.
const PERIOD_NS: u64 = 1_000_000;

/// A service: milliseconds of the three parts of one request after another.
pub struct Service {
    /// What is particular about it.
    pub name: &'static str,
    draw: fn(&mut Random) -> [f64; 3],
    /// `E[T | L = Q99]` in ms, of thirty million requests.
    pub truth: [f64; 3],
}

/// The services. The intervals were made on others and on the first five; the last two were looked at when that was done.
pub const SERVICES: [Service; 7] = [
    Service {
        name: "one part has a long tail",
        draw: |r| [1.0 + 2.0 * r.uniform(), 4.0 * (0.8 * r.normal()).exp(), r.exponential(3.0)],
        truth: [2.05, 23.58, 6.31],
    },
    Service {
        name: "one request in 25 does something large",
        draw: |r| {
            let luck = r.uniform();
            let rare = if luck < 0.04 { 20.0 + 20.0 * r.uniform() } else { 0.0 };
            let wait = if luck < 0.1 { 4.0 } else { 1.0 };
            [2.0 + r.uniform(), rare, r.exponential(wait)]
        },
        truth: [2.50, 35.10, 3.86],
    },
    Service {
        name: "two causes of slow requests",
        draw: |r| {
            let rare = if r.uniform() < 0.015 { 30.0 + 10.0 * r.uniform() } else { 0.0 };
            let lock = if r.uniform() < 0.02 { 25.0 + r.exponential(6.0) } else { 0.0 };
            [3.0 * (0.3 * r.normal()).exp(), rare, lock]
        },
        truth: [3.18, 25.85, 9.80],
    },
    Service {
        name: "the size of a request drives all, one part as its square",
        draw: |r| {
            let size = (0.5 * r.normal()).exp();
            [3.0 * size, 1.5 * size * size * (0.5 + r.uniform()), 2.0 + r.exponential(1.0)]
        },
        truth: [9.40, 16.07, 3.18],
    },
    Service {
        name: "a cliff: 12 in 1,000 are 40 ms slower",
        draw: |r| {
            let rare = if r.uniform() < 0.012 { 40.0 + 5.0 * r.uniform() } else { 0.0 };
            [5.0 + 2.0 * r.uniform(), rare, r.exponential(1.5)]
        },
        truth: [5.90, 41.20, 0.75],
    },
    Service {
        name: "two modes, the p99 inside the upper one",
        draw: |r| {
            if r.uniform() < 0.07 {
                let heavy = 18.0 + 4.0 * r.normal().abs() + r.exponential(3.0);
                [2.0 + r.uniform(), heavy, 3.0 + r.exponential(4.0)]
            } else {
                [2.0 + r.uniform(), 3.0 * (0.4 * r.normal()).exp(), r.exponential(1.0)]
            }
        },
        truth: [2.52, 27.23, 9.63],
    },
    Service {
        name: "a power law of index 1.8",
        draw: |r| [2.0 + 2.0 * r.uniform(), 2.0 * r.uniform().powf(-1.0 / 1.8), r.exponential(2.0)],
        truth: [3.03, 25.36, 2.77],
    },
];

/// How often the interval of each part held the truth, of the recordings in which the part was resolved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// Intervals that held it.
    pub held: [u32; 3],
    /// Intervals that claimed to.
    pub claimed: [u32; 3],
    /// Intervals that held it, of all: those of rows too small to resolve are wide, and hold it too.
    pub held_of_all: u32,
    /// All intervals.
    pub all: u32,
}

impl Coverage {
    /// Of all parts together.
    pub fn share(&self) -> f64 {
        f64::from(self.held.iter().sum::<u32>()) / f64::from(self.claimed.iter().sum::<u32>().max(1))
    }

    /// Adds the counts of others.
    #[allow(dead_code, reason = "the bench looks at each service by itself")]
    pub fn add(&mut self, other: &Coverage) {
        for part in 0..3 {
            self.held[part] += other.held[part];
            self.claimed[part] += other.claimed[part];
        }
        self.held_of_all += other.held_of_all;
        self.all += other.all;
    }
}

impl Service {
    /// The truth from eight million requests: means over those within 0.05 % of the quantile.
    #[allow(dead_code, reason = "the bench looks whether the constants are right")]
    pub fn measure_truth(&self) -> [f64; 3] {
        const MANY: usize = 8_000_000;
        let mut random = Random(7);
        let mut all: Vec<[f64; 3]> = (0..MANY).map(|_| (self.draw)(&mut random)).collect();
        let sum = |parts: &[f64; 3]| parts.iter().sum::<f64>();
        all.sort_unstable_by(|a, b| sum(a).total_cmp(&sum(b)));
        let (centre, half) = ((QUANTILE * MANY as f64) as usize, MANY / 2_000);
        let around = &all[centre - half..centre + half];
        std::array::from_fn(|part| around.iter().map(|r| r[part]).sum::<f64>() / around.len() as f64)
    }

    /// Draws recordings of so many requests, ranks each, and counts.
    pub fn coverage(&self, requests: usize, recordings: u64) -> Coverage {
        let items = items();
        let mut coverage = Coverage::default();
        for seed in 0..recordings {
            let split = self.split(requests, seed, &items);
            assert!((split.sum_ms - split.measured_ms.unwrap()).abs() < 1e-6, "the rows add up to the p99");
            for (part, truth) in self.truth.iter().enumerate() {
                let Some(row) = split.rows.iter().find(|r| r.name == PARTS[part]) else { continue };
                let holds = u32::from(row.ci_ms.low <= *truth && *truth <= row.ci_ms.high);
                coverage.held_of_all += holds;
                coverage.all += 1;
                if split.is_resolved(row) {
                    coverage.claimed[part] += 1;
                    coverage.held[part] += holds;
                }
            }
        }
        coverage
    }

    /// The split of one recording.
    pub fn split(&self, requests: usize, seed: u64, items: &[Item]) -> ObjectiveSplit {
        ranked(&self.recorded(requests, seed), items, seed).objectives.remove(0)
    }

    /// One thread that serves one request after another.
    fn recorded(&self, requests: usize, seed: u64) -> Profile {
        let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let frame = |symbol: &str| Frame { symbol: symbol.into(), ..Frame::default() };
        let node = |frame| Node { parent: None, frame: FrameId(frame) };
        let mut profile = Profile {
            frames: PARTS[..2].iter().map(|name| frame(name)).collect(),
            nodes: vec![node(0), node(1)],
            unit: Unit::CpuNanoseconds,
            ..Profile::default()
        };
        let (mut now, mut until_sample) = (1_000_000_000, (random.uniform() * PERIOD_NS as f64) as u64);
        for request in 0..requests as u32 {
            let parts = (self.draw)(&mut random).map(|ms| (ms * 1e6) as u64);
            let start_ns = now;
            for (function, ns) in parts[..2].iter().enumerate() {
                let end = now + ns;
                while now + until_sample < end {
                    now += until_sample;
                    let leaf = Some(NodeId(function as u32));
                    profile.samples.push(Sample { leaf, weight: PERIOD_NS, time_ns: Some(now), tid: Some(7) });
                    until_sample = PERIOD_NS;
                }
                until_sample -= end - now;
                now = end;
            }
            let polled = now;
            now += parts[2];
            profile.polls.push(Poll { request, tid: 7, start_ns, end_ns: polled });
            profile.waits.push(Wait { request, name: PARTS[2].into(), start_ns: polled, end_ns: now });
            profile.requests.push(Request { start_ns, end_ns: now, ..Request::default() });
            now += 1_000;
        }
        profile
    }
}

/// The functions of a service.
pub fn items() -> Vec<Item> {
    let role = FileRole { krate: "svc".into(), ..FileRole::default() };
    let file = SourceFile::parse("src/lib.rs", "fn steady() {}\nfn heavy() {}\n", &role).unwrap();
    told_apart(file.items)
}

fn ranked(profile: &Profile, items: &[Item], seed: u64) -> Ranking {
    let objective = Objective {
        name: "latency".into(),
        description: String::new(),
        operation: String::new(),
        target: QUANTILE,
        limit_ns: 20_000_000,
        window: None,
    };
    let slo = Slo { objectives: vec![objective], ..Slo::default() };
    let attribution = attribute::attribute(profile, items, &attribute::Options::default());
    rank::rank(&attribution, &slo, rank::Options { seed, despite_quality: false })
}

/// SplitMix64 (Steele and others 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }
}

#[test]
fn intervals_hold_the_truth_in_92_to_98_of_100_recordings() {
    let mut all = Coverage::default();
    for service in &SERVICES {
        let coverage = service.coverage(1000, 40);
        assert!(coverage.share() > 0.85, "{}: {coverage:?}", service.name);
        all.add(&coverage);
    }
    assert!((0.92..=0.98).contains(&all.share()), "{} of {all:?}", all.share());
    assert!(all.claimed.iter().sum::<u32>() > 400, "most rows are resolved: {all:?}");
}

#[test]
fn a_p99_beside_a_jump_in_latency_is_said_to_be() {
    let items = items();
    let said = |service: &Service, requests: usize| -> Vec<String> {
        let ranking = |seed| ranked(&service.recorded(requests, seed), &items, seed);
        let found =
            (0..6).filter_map(|seed| ranking(seed).problems.into_iter().find(|p| p.what.contains("beside a jump")));
        found.map(|p| format!("{}; {}", p.what, p.help)).collect()
    };
    let cliff = said(&SERVICES[4], 1000);
    assert!(cliff.len() >= 4, "{cliff:?}");
    assert!(
        cliff.iter().all(|s| s.contains("requests above it") && s.contains("requests tell") || s.contains("by itself"))
    );
    assert_eq!(said(&SERVICES[0], 1000), Vec::<String>::new());
}
