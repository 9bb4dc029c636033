package io.moetier.lab.device;

import io.moetier.runtime.offload.Load;
import java.util.List;

/// A load that writes its number down when it is run, and when the computation has learnt of its end.
record ListedLoad(int number, List<Integer> begun, List<Integer> collected, Runnable work) implements Load {
    @Override
    public void run() {
        begun.add(number);
        work.run();
    }

    @Override
    public void collect() {
        collected.add(number);
    }
}
