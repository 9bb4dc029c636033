package io.moetier.emulator.driver.stream;

import io.moetier.emulator.driver.clock.EngineKind;

/// A part of one device in virtual time.
public final class Engine {
    private final int device;
    private final EngineKind kind;
    private double freeAt;
    private double busyNanos;

    public Engine(int device, EngineKind kind) {
        this.device = device;
        this.kind = kind;
    }

    public int device() {
        return device;
    }

    public EngineKind kind() {
        return kind;
    }

    /// Returns how long it has worked so far.
    public double busyNanos() {
        return busyNanos;
    }

    double freeAt() {
        return freeAt;
    }

    void occupy(double start, double end) {
        freeAt = end;
        busyNanos += end - start;
    }
}
