//! Time on a machine that others use too: CPU time, in rounds, each between two copies of memory.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Copies are compared over more bytes than caches hold.
const COPIED: usize = 64 << 20;
const ROUNDS: usize = 9;
/// A round counts when the copies before and after it differ by no more.
const TOLERANCE: f64 = 0.15;
/// No measure takes longer, however few rounds it has by then.
const LONGEST: Duration = Duration::from_secs(40);

/// CPU time of this process so far, all threads together.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).expect("CPU time is not negative");
    let nanos = u32::try_from(now.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanos)
}

/// The CPU time since a moment.
fn since(start: Duration) -> Duration {
    cpu().saturating_sub(start)
}

/// Times in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// Those that count, ascending.
    sorted: Vec<f64>,
    /// How many did not count.
    pub(crate) discarded: usize,
}

impl Times {
    /// On a machine that is never quiet there is nothing better than rounds that do not count: if no other is there, they are taken,
    /// and `discarded` tells.
    fn of(mut counting: Vec<f64>, discarded: Vec<f64>) -> Self {
        let count = discarded.len();
        if counting.is_empty() {
            counting = discarded;
        }
        counting.sort_by(f64::total_cmp);
        Self {
            sorted: counting,
            discarded: count,
        }
    }

    pub(crate) fn rounds(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn min(&self) -> f64 {
        self.percentile(0)
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let Some(last) = self.sorted.len().checked_sub(1) else {
            return f64::NAN;
        };
        self.sorted[last * percent / 100]
    }

    /// The same times for one of `count` equal parts.
    pub(crate) fn each(mut self, count: usize) -> Self {
        for time in &mut self.sorted {
            *time /= as_f64(count);
        }
        self
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}

/// Measures in rounds, and remembers how fast memory was.
pub(crate) struct Clock {
    from: Vec<u8>,
    to: Vec<u8>,
    copies: Vec<f64>,
    /// What asking for the time costs by itself.
    overhead: f64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let mut clock = Self {
            from: vec![1; COPIED],
            to: vec![2; COPIED],
            copies: Vec::new(),
            overhead: 0.0,
        };
        let empty = (0..1_000).map(|_| clock.nanos(|| ()).0).collect();
        clock.overhead = Times::of(empty, Vec::new()).median();
        clock.copy();
        clock
    }

    /// Runs something and returns its CPU time in nanoseconds with what it made.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 nanoseconds")]
    pub(crate) fn nanos<T>(&self, run: impl FnOnce() -> T) -> (f64, T) {
        let start = cpu();
        let made = black_box(run());
        let took = since(start).as_nanos() as f64;
        ((took - self.overhead).max(0.0), made)
    }

    /// Copies memory; nanoseconds, the better of two.
    fn copy(&mut self) -> f64 {
        let mut best = f64::INFINITY;
        for _ in 0..2 {
            let start = cpu();
            self.to.copy_from_slice(black_box(&self.from));
            best = best.min(since(start).as_secs_f64() * 1e9);
        }
        black_box(&self.to);
        self.copies.push(best);
        best
    }

    /// Bytes copied a nanosecond, which is gigabytes a second: the median of all copies so far.
    pub(crate) fn memcpy(&self) -> f64 {
        as_f64(COPIED) / Times::of(self.copies.clone(), Vec::new()).median()
    }

    /// Runs something until nine rounds count, at most three times as often.
    pub(crate) fn rounds<T>(&mut self, mut run: impl FnMut() -> T) -> Times {
        self.blocks(ROUNDS, |clock| vec![clock.nanos(&mut run).0])
    }

    /// Takes blocks of samples until as many blocks count. A block measures its samples itself, so that it can prepare and clean
    /// up outside their time.
    pub(crate) fn blocks(
        &mut self,
        wanted: usize,
        mut block: impl FnMut(&Self) -> Vec<f64>,
    ) -> Times {
        let (mut counting, mut discarded) = (Vec::new(), Vec::new());
        let start = cpu();
        let mut before = self.copy();
        let mut kept = 0;
        for _ in 0..3 * wanted {
            let samples = block(self);
            let after = self.copy();
            if (before - after).abs() <= TOLERANCE * before.min(after) {
                counting.extend(samples);
                kept += 1;
            } else {
                discarded.extend(samples);
            }
            before = after;
            if kept == wanted || since(start) > LONGEST {
                break;
            }
        }
        Times::of(counting, discarded)
    }
}
