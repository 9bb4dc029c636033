package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.stream.CommandStream;

/// A stream that a program made.
public record DriverStream(EmulatedContext context, CommandStream stream, int priority) implements ContextResource {
    @Override
    public String describe() {
        return "stream " + stream.number();
    }

    @Override
    public void discard() {
        // goes with the streams of the context
    }
}
