package io.moetier.lab.simulate;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/// Small traces in which low experts are chosen more often, and some tokens are computed together.
public final class RandomTraces {
    static final int LAYERS = 3;
    static final int EXPERTS = 6;
    static final int TOP_K = 2;

    private RandomTraces() {}

    public static Path write(Path file, long seed, int tokens) {
        Random random = new Random(seed);
        TraceHeader header = TraceHeader.of("random", EXPERTS, TOP_K, List.of(1, 2, 4), "");
        try (TraceRecorder recorder = new TraceRecorder(file, header)) {
            int step = 0;
            for (int i = 0; i < tokens; i++) {
                step += random.nextInt(3) == 0 ? 0 : 1;
                recorder.record(token(random, i, step));
            }
            recorder.finish();
        }
        return file;
    }

    private static TraceToken token(Random random, int position, int step) {
        int[][] experts = new int[LAYERS][];
        float[][] weights = new float[LAYERS][];
        for (int layer = 0; layer < LAYERS; layer++) {
            List<Integer> order = new ArrayList<>();
            for (int expert = 0; expert < EXPERTS; expert++) {
                order.add(expert);
            }
            Collections.shuffle(order.subList(random.nextInt(3), EXPERTS), random);
            Collections.shuffle(order.subList(0, 3), random);
            experts[layer] = new int[] {order.get(0), order.get(1)};
            weights[layer] = new float[] {0.75f, 0.25f};
        }
        return new TraceToken(
                0,
                position,
                OptionalInt.of(step),
                Phase.DECODE,
                experts,
                random.nextBoolean() ? Optional.of(weights) : Optional.empty(),
                Optional.empty());
    }
}
