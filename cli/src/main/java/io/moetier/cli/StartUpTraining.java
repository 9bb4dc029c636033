package io.moetier.cli;

/// Runs what most users run first, once, so that the JVM can keep what it learnt of it in the launcher's AOT cache.
final class StartUpTraining {
    private StartUpTraining() {}

    public static void main(String[] args) {
        Moetier.execute(Surroundings.ofProcess(), Streams.ofProcess(), "--help");
    }
}
