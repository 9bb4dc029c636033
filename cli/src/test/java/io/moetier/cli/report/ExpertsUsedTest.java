package io.moetier.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ExpertsUsedTest {
    @Test
    void oneLoadIsOneLoad() {
        assertEquals("; lossy: --max-kld 0.1, about 0.010, 1 load saved", warning(1));
        assertEquals("; lossy: --max-kld 0.1, about 0.010, 2 loads saved", warning(2));
    }

    private static String warning(long loads) {
        ExpertsUsed.Loss loss = new ExpertsUsed.Loss(0.01, 0.1, OptionalDouble.empty(), loads);
        return new ExpertsUsed(1.9, 2, Optional.of("--max-kld 0.1"), Optional.of(loss)).warning();
    }
}
