package io.moetier.runtime.remote;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.FfnActivation;
import io.moetier.runtime.metrics.Counters;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.offload.ExpertSource;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.session.ImportedStores;
import io.moetier.storage.cache.Policies;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.model.ExpertId;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Tier;
import io.moetier.storage.thread.Uninterrupted;
import io.moetier.testdata.TestData;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ExpertShareTest {
    private static final int LAYER = 1;
    private static final int NONE = 9; // a layer that is not there

    private ExpertStore store = ExpertStore.open(ImportedStores.of(TestData.golden("mixtral")), IoMode.AUTO);
    private Device device = CpuDevice.open(1, KernelChoice.AUTO);
    private SharedExperts shared = experts(store);
    private int size;
    private int numExperts;

    private static SharedExperts experts(ExpertStore store) {
        return StoreExperts.of(store, Families.describe(store.config(), store.denseFile()));
    }

    @BeforeEach
    void measure() {
        size = store.layout(ExpertId.pack(LAYER, 0)).part("up").cols();
        numExperts =
                (int) store.experts().stream().filter(id -> id.layer() == LAYER).count();
    }

    @AfterEach
    void close() {
        device.close();
        store.close();
    }

    private ExpertShare open(long bytes) {
        return open(shared, bytes);
    }

    private ExpertShare open(SharedExperts shared, long bytes) {
        return ExpertShare.open(shared, device, bytes, Policies.byRoom(), Loaders.THREADS, new Counters());
    }

    /// Returns rows for all experts of the layer: expert `e` reads row 0 and row `1 + e % 2`.
    private NodeRows all() {
        NodeRows rows = new NodeRows(64, 200, 3 * size);
        rows.begin(LAYER, 3);
        for (int expert = 0; expert < numExperts; expert++) {
            rows.add(expert, 1, new int[] {0, 1 + expert % 2}, 0, 2);
        }
        fill(rows, 3);
        return rows;
    }

    private void fill(NodeRows rows, int numInputs) {
        for (int i = 0; i < numInputs * size; i++) {
            rows.inputs()[i] = (i * 37 % 101 - 50) / 50f;
        }
        rows.holds(numInputs, size);
    }

    private static float[] compute(ExpertShare share, NodeRows rows, int numRead) {
        float[] outputs = new float[rows.numRows() * rows.size()];
        assertEquals(numRead, share.compute(rows, outputs));
        return outputs;
    }

    @Test
    void whereExpertsWereChangesNoBit() {
        NodeRows rows = all();
        try (ExpertShare least = open(shared.minimumBytes());
                ExpertShare everything = open(Long.MAX_VALUE / 4)) {
            float[] expected = compute(everything, rows, numExperts);
            assertArrayEquals(expected, compute(everything, rows, 0));
            assertArrayEquals(expected, compute(least, rows, numExperts));
            assertEquals(1, least.residentSummary().slots().number());
            NodeRows one = new NodeRows(64, 2, 3 * size);
            one.begin(LAYER, 3);
            one.add(2, 1, new int[] {0, 1}, 0, 2);
            fill(one, 3);
            float[] alone = compute(least, one, least.isHeld(ExpertId.pack(LAYER, 2)) ? 0 : 1);
            float[] together = new float[2 * size];
            System.arraycopy(expected, rows.from(2) * size, together, 0, 2 * size);
            assertArrayEquals(together, alone);
        }
    }

    @Test
    void warmsWhatIsWorthMostIntoWhatRoomIsFree() {
        long slot = store.layouts().getFirst().slotBytes();
        int[] ids = {ExpertId.pack(LAYER, 3), ExpertId.pack(0, 1), ExpertId.pack(LAYER, 0), ExpertId.pack(NONE, 0)};
        try (ExpertShare share = open(shared.minimumBytes() + slot)) {
            share.warm(new int[] {ids[3], ids[0]});
            assertTrue(share.isHeld(ids[0]));
            share.warm(ids);
            assertTrue(share.isHeld(ids[0]) && share.isHeld(ids[1]));
            assertFalse(share.isHeld(ids[2]) || share.isHeld(ids[3]));
            compute(share, all(), numExperts - 1);
        }
    }

    /// Experts of which something happens before each is read.
    private record Watched(ExpertSource source, IntConsumer beforeRead) implements ExpertSource {
        @Override
        public int[] ids() {
            return source.ids();
        }

        @Override
        public int numSizeClasses() {
            return source.numSizeClasses();
        }

        @Override
        public int sizeClassOf(int id) {
            return source.sizeClassOf(id);
        }

        @Override
        public long slotBytes(int sizeClass) {
            return source.slotBytes(sizeClass);
        }

        @Override
        public Tier read(int id, MemorySegment dst, DeviceEvent free) {
            beforeRead.accept(id);
            return source.read(id, dst, free);
        }
    }

    private interface Closeable extends AutoCloseable {
        @Override
        void close();
    }

    @Test
    void whatIsReadBehindHoldsUpNothingThatIsAskedFor() {
        int first = ExpertId.pack(0, 1);
        int second = ExpertId.pack(0, 2);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        float[] expected;
        try (ExpertShare share = open(Long.MAX_VALUE / 4)) {
            expected = compute(share, all(), numExperts);
        }
        try (ExpertShare share = watched(id -> {
                    if (id == first) {
                        begun.countDown();
                        Uninterrupted.await(mayEnd::await);
                    }
                });
                Closeable _ = mayEnd::countDown) {
            assertFalse(share.warmBehind(first));
            Uninterrupted.await(begun::await);
            assertFalse(share.warmBehind(second));
            assertFalse(share.isHeld(second), "two at once");
            assertArrayEquals(expected, compute(share, all(), numExperts));
            mayEnd.countDown();
            settle(share, first);
            settle(share, second);
            assertEquals(numExperts + 2, share.residentSummary().filled().number());
            assertThrows(IllegalArgumentException.class, () -> share.warmBehind(ExpertId.pack(NONE, 0)));
        }
    }

    private ExpertShare watched(IntConsumer beforeRead) {
        Watched source = new Watched(shared.source(), beforeRead);
        return open(new SharedExperts(source, shared.layoutOf(), shared.activations()), Long.MAX_VALUE / 4);
    }

    private static void settle(ExpertShare share, int id) {
        while (!share.warmBehind(id)) {
            Thread.onSpinWait();
        }
    }

    /// What was read behind has ended by the time that what is waited for may.
    @Test
    void whatIsReadBehindAndWhatIsWaitedForAreToldApart() {
        int behind = ExpertId.pack(LAYER, 0);
        int waitedFor = ExpertId.pack(LAYER, 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        Thread ender = Thread.ofVirtual().unstarted(() -> {
            Uninterrupted.await(begun::await);
            Uninterrupted.await(() -> Thread.sleep(50));
            mayEnd.countDown();
        });
        try (ExpertShare share = watched(id -> {
                    if (id == waitedFor) {
                        begun.countDown();
                        Uninterrupted.await(mayEnd::await);
                    }
                });
                Closeable _ = mayEnd::countDown) {
            assertFalse(share.warmBehind(behind));
            ender.start();
            share.warm(new int[] {waitedFor});
            compute(share, all(), numExperts - (share.isHeld(behind) ? 2 : 1));
            compute(share, all(), 0);
        }
    }

    @Test
    void aReadBehindThatFailsIsSettledAndForgotten() {
        int damaged = ExpertId.pack(LAYER, 1);
        try (ExpertShare share = watched(id -> {
            if (id == damaged) {
                throw new MalformedModelException("damaged");
            }
        })) {
            settle(share, damaged);
            assertFalse(share.isHeld(damaged));
            settle(share, ExpertId.pack(LAYER, 0));
            assertThrows(MalformedModelException.class, () -> compute(share, all(), numExperts));
        }
    }

    @Test
    void withoutRoomNothingIsReadBehind() {
        try (ExpertShare share = open(shared.minimumBytes())) {
            share.warm(new int[] {ExpertId.pack(0, 1)});
            assertTrue(share.warmBehind(ExpertId.pack(0, 2)), "no room settles it");
            assertTrue(share.isHeld(ExpertId.pack(0, 1)));
            assertFalse(share.isHeld(ExpertId.pack(0, 2)));
        }
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() {
        try (ExpertShare share = open(shared.minimumBytes())) {
            NodeRows good = all();
            float[] expected = compute(share, good, numExperts);
            refuses(share, "layer 9 has no experts here", rows -> rows.begin(NONE, 3));
            refuses(share, "layer 1 has no expert 63 here", rows -> rows.add(63, 1, new int[] {0}, 0, 1));
            refuses(share, "layer 1 has no expert -1 here", rows -> rows.add(-1, 1, new int[] {0}, 0, 1));
            refuses(share, "layer 1: row 3 of 3 is asked for", rows -> rows.add(0, 1, new int[] {3}, 0, 1));
            refuses(share, "layer 1: row -1 of 3 is asked for", rows -> rows.add(0, 1, new int[] {-1}, 0, 1));
            refuses(
                    share,
                    "layer 1: expected a row for each expert, found 1 experts, 0 rows, 3 inputs",
                    rows -> rows.add(0, 1, new int[] {0}, 0, 0));
            refuses(
                    share,
                    "layer 1: expected as many experts as the layer has, found 0 experts, 0 rows, 3 inputs",
                    rows -> {});
            refuses(share, "layer 1: expected each expert once, found 2 experts, 2 rows, 3 inputs", rows -> {
                rows.add(0, 1, new int[] {0}, 0, 1);
                rows.add(0, 1, new int[] {0}, 0, 1);
            });
            refuses(share, "layer 1: expected as many inputs as are named, found 1 experts, 1 rows, 4 inputs", rows -> {
                rows.add(0, 1, new int[] {0}, 0, 1);
                rows.holds(4, size);
            });
            refuses(share, "experts of layer 1 read rows of " + size + " elements, not of " + (size - 1), rows -> {
                rows.add(0, 1, new int[] {0}, 0, 1);
                rows.holds(3, size - 1);
            });
            assertThrows(IllegalArgumentException.class, () -> share.compute(good, new float[1]));
            float[] again = new float[expected.length];
            share.compute(good, again);
            assertArrayEquals(expected, again);
        }
    }

    private void refuses(ExpertShare share, String sentence, Consumer<NodeRows> change) {
        NodeRows rows = new NodeRows(64, 200, 3 * size);
        rows.begin(LAYER, 3);
        fill(rows, 3);
        change.accept(rows);
        assertEquals(
                sentence,
                assertThrows(IllegalArgumentException.class, () -> share.compute(rows, new float[200 * size]))
                        .getMessage());
    }

    @Test
    void whatIsNoExpertOfItsActivationIsRefused() {
        SharedExperts without = new SharedExperts(shared.source(), shared.layoutOf(), Map.of());
        assertEquals(
                "layer 0 has no experts of activation null",
                assertThrows(IllegalArgumentException.class, () -> open(without))
                        .getMessage());
        open(new SharedExperts(
                        shared.source(),
                        shared.layoutOf(),
                        Map.of(0, FfnActivation.SWIGLU, 1, FfnActivation.SWIGLU, 2, FfnActivation.GEGLU)))
                .close();
        assertThrows(IllegalArgumentException.class, () -> open(shared.minimumBytes() - 1));
    }

    private ExpertShare open(SharedExperts other) {
        return ExpertShare.open(
                other, device, other.minimumBytes(), Policies.byRoom(), Loaders.THREADS, new Counters());
    }
}
