//! Work on several threads whose result does not show it.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this wait for memory, not for processors.
const MAX_THREADS: usize = 16;

/// Does the work for `0..count`, `at_a_time` of it in one call, on as many threads as are worth it. The results are in order.
pub(super) fn in_order<T: Send>(
    count: usize,
    at_a_time: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> Vec<T> {
    let calls = count.div_ceil(at_a_time);
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let range = |call: usize| call * at_a_time..((call + 1) * at_a_time).min(count);
    let threads = if calls < 2 {
        1
    } else {
        processors().min(calls).min(MAX_THREADS)
    };
    if threads == 1 {
        return (0..calls).map(|call| work(range(call))).collect();
    }
    let next = AtomicUsize::new(0);
    let one_thread = || {
        let mut done = Vec::new();
        loop {
            let call = next.fetch_add(1, Ordering::Relaxed);
            if call >= calls {
                return done;
            }
            done.push((call, work(range(call))));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(one_thread)).collect();
        let mut done = one_thread();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(call, _)| *call);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_leave_nothing_out() {
        for (count, at_a_time) in [(0, 3), (1, 3), (3, 3), (1000, 7)] {
            let found = in_order(count, at_a_time, Iterator::collect::<Vec<_>>);
            let all: Vec<usize> = found.into_iter().flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
