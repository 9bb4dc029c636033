package io.moetier.emulator.driver.machine;

/// A function of the driver.
///
/// @param symbol what it is exported as
/// @param name what people and faults call it
public record DriverFunction(String symbol, String name, int arity, Precondition precondition, EntryPoint entryPoint) {}
