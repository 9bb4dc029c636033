package io.moetier.emulator.driver.option;

/// How the cost of kernels in virtual time is found. Counting their memory traffic takes about a quarter of
/// the time.
public enum CostCounting {
    /// For each launch.
    ALWAYS,
    /// For the first launch of each kernel with the same grid, block and numbers among its parameters. A
    /// kernel whose traffic depends on the data at its addresses, or on what is in a struct that it is given,
    /// is charged what it took first.
    ONCE,
    /// Not at all: a kernel takes its start-up time.
    NEVER
}
