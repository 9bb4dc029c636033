package io.moetier.bench;

import java.io.IOException;
import org.openjdk.jmh.Main;

/// Runs the benchmarks whose names match the arguments, all by default; the arguments are those of JMH, `-h` lists
/// them.
public final class Benchmarks {
    private Benchmarks() {}

    /// Runs in JVMs that are started with the flags of this one.
    public static void main(String[] args) throws IOException {
        Main.main(args);
    }
}
