package io.moetier.cli.throughput;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.report.StepProfile;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.runtime.metrics.Section;
import io.moetier.storage.model.Phase;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StepWatchTest {
    private static final DeviceMarks NO_MARKS = new DeviceMarks() {
        @Override
        public void set() {}

        @Override
        public double[] take() {
            return new double[0];
        }

        @Override
        public void close() {}
    };

    /// A step with more parts than are kept: the last one that is kept ends where it ended, not with the step.
    @Test
    void theLastSpanThatIsKeptIsNoLongerThanItWas() {
        StepWatch watch = new StepWatch(new StepProfile(NO_MARKS, 1, Optional.empty()), Phase.DECODE);
        long before = System.nanoTime();
        watch.onStep(Phase.DECODE, 1);
        long begun = System.nanoTime();
        for (int i = 0; i < 3000; i++) {
            watch.enter(Section.ATTENTION);
        }
        long entered = System.nanoTime();
        while (System.nanoTime() - entered <= begun - before) {
            Thread.onSpinWait();
        }
        watch.onStepEnd();
        List<StepWatch.Span> spans = watch.lastStep();
        assertEquals(2000, spans.size());
        assertTrue(spans.getLast().endNanos() <= entered - before, "the last one goes on to the end of the step");
    }
}
