package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.remote.ExpertShare;
import io.moetier.runtime.remote.NodeRows;
import io.moetier.runtime.remote.SharedExperts;
import io.moetier.runtime.remote.StoreExperts;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryPressure;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.TestData;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;

/// What a machine computes for others gives way as the experts of an engine do.
class ShareGuardTest {
    private static final long MIB = 1L << 20;
    private static final long SECOND = 1_000_000_000L;
    private static final int NUM_EXPERTS = 4;

    private long usedBytes = 100 * MIB;
    private long now;

    private List<MemoryLimit> limits() {
        return List.of(new MemoryLimit(MemoryLimit.Kind.GROUP, "the control group /a", 1000 * MIB, usedBytes));
    }

    @Test
    void givesWayAndComesBackAndChangesNoBit() {
        try (ExpertStore store = ExpertStore.open(ImportedStores.of(TestData.golden("mixtral")), IoMode.AUTO);
                CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
                ExpertShare share = ExpertShare.open(
                        experts(store),
                        device,
                        Long.MAX_VALUE / 4,
                        Policies.byRoom(),
                        Loaders.THREADS,
                        new Counters());
                MemoryGuard guard = guard(share, new ReentrantLock())) {
            float[] expected = compute(share, rows(store));
            int all = share.residentSummary().slots().number();
            usedBytes = 1000 * MIB;
            guard.look(false, now += SECOND);
            int left = share.residentSummary().slots().number();
            assertTrue(left < all, left + " of " + all);
            assertArrayEquals(expected, compute(share, rows(store)));
            usedBytes = 100 * MIB;
            for (int i = 0; i < 200; i++) {
                guard.look(false, now += SECOND);
            }
            assertEquals(all, share.residentSummary().slots().number());
            assertArrayEquals(expected, compute(share, rows(store)));
        }
    }

    @Test
    void whileARequestIsComputedNothingMoves() throws InterruptedException {
        try (ExpertStore store = ExpertStore.open(ImportedStores.of(TestData.golden("mixtral")), IoMode.AUTO);
                CpuDevice device = CpuDevice.open(1, KernelChoice.PLAIN);
                ExpertShare share = ExpertShare.open(
                        experts(store),
                        device,
                        Long.MAX_VALUE / 4,
                        Policies.byRoom(),
                        Loaders.THREADS,
                        new Counters())) {
            ReentrantLock computing = new ReentrantLock();
            int all = share.residentSummary().slots().number();
            computing.lock();
            Thread looking = Thread.ofPlatform().start(() -> {
                try (MemoryGuard guard = guard(share, computing)) {
                    usedBytes = 1000 * MIB;
                    guard.look(false, SECOND);
                }
            });
            looking.join();
            assertEquals(all, share.residentSummary().slots().number());
            compute(share, rows(store)); // the next layer begins with what was asked for
            assertTrue(share.residentSummary().slots().number() < all);
        }
    }

    private MemoryGuard guard(ExpertShare share, ReentrantLock computing) {
        return new MemoryGuard(this::limits, () -> MemoryPressure.NONE, TierSlots.of(share, computing));
    }

    private static SharedExperts experts(ExpertStore store) {
        return StoreExperts.of(store, Families.describe(store.config(), store.denseFile()));
    }

    private static NodeRows rows(ExpertStore store) {
        int size = store.layout(ExpertId.pack(0, 0)).part("up").cols();
        NodeRows rows = new NodeRows(NUM_EXPERTS, NUM_EXPERTS, size);
        rows.begin(0, 1);
        for (int expert = 0; expert < NUM_EXPERTS; expert++) {
            rows.add(expert, 1, new int[] {0}, 0, 1);
        }
        for (int i = 0; i < size; i++) {
            rows.inputs()[i] = (i * 37 % 101 - 50) / 50f;
        }
        rows.holds(1, size);
        return rows;
    }

    private static float[] compute(ExpertShare share, NodeRows rows) {
        float[] outputs = new float[rows.numRows() * rows.size()];
        share.compute(rows, outputs);
        return outputs;
    }
}
