package io.moetier.emulator.driver;

/// A function of the driver.
///
/// @param symbol what it is exported as
/// @param name what people and faults call it
record DriverFunction(String symbol, String name, int arity, Precondition precondition, EntryPoint entryPoint) {}
