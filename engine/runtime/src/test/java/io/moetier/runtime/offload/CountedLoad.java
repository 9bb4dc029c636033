package io.moetier.runtime.offload;

/// A load that counts how often it was run and says whether the computation knows.
class CountedLoad implements Load {
    private volatile int runs;
    private boolean collected; // the computation's

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one loader runs it
    public void run() {
        runs++;
    }

    @Override
    public void collect() {
        collected = true;
    }

    int runs() {
        return runs;
    }

    boolean isCollected() {
        return collected;
    }
}
