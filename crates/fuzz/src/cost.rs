//! What reading costs, and what it may cost.

/// What reading an input may cost at most: a fixed part, and one for each byte of the input.
pub(crate) struct Allowance {
    /// Memory in use at once, in bytes.
    pub(crate) memory: (u64, u64),
    /// Allocations in all: the steps of a reader that builds what it reads.
    pub(crate) steps: (u64, u64),
}

impl Allowance {
    /// Runs `read` and holds it to this allowance.
    pub(crate) fn hold<T>(&self, input: &[u8], read: impl FnOnce() -> T) -> T {
        let mut outcome = None;
        let cost = allocation_counter::measure(|| outcome = Some(read()));
        let length = input.len() as u64;
        let allowed = |(fixed, each): (u64, u64)| fixed + each * length;
        assert!(
            cost.bytes_max <= allowed(self.memory),
            "{} bytes of memory for {length} bytes of input",
            cost.bytes_max
        );
        assert!(
            cost.count_total <= allowed(self.steps),
            "{} allocations for {length} bytes of input",
            cost.count_total
        );
        outcome.expect("it was read")
    }
}
