package io.moetier.kernels.cuda;

import static io.moetier.kernels.cuda.DevicePair.buffer;
import static io.moetier.kernels.cuda.DevicePair.floats;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.ExpertChoice;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.kernels.device.RouterWeights;
import io.moetier.kernels.device.Routing;
import io.moetier.kernels.device.Routing.Groups;
import io.moetier.kernels.device.Routing.Groups.Rank;
import io.moetier.kernels.device.Routing.Normalisation;
import io.moetier.kernels.device.Routing.Score;
import io.moetier.kernels.device.Routing.SparseMixer;
import io.moetier.kernels.tensor.RandomWeights;
import io.moetier.kernels.tensor.WeightMatrix;
import io.moetier.storage.model.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Routers: that the device chooses as [ExpertChoice] does by the device's own logits.
///
/// Tolerance: the same experts. Their weights go through a few operations in double, in another order where experts are
/// summed, and are rounded to float once: they are one apart at most where the rounding falls the other way.
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutersTest {
    private static final long SEED = 4711;
    private static final int COLS = 32;

    private final Random random = new Random(SEED);
    private final DevicePair devices = new DevicePair();

    @AfterAll
    void close() {
        devices.close();
    }

    /// What a device made of rows of activations.
    @SuppressWarnings("ArrayRecordComponent") // compared by hand
    private record Outcome(float[] logits, int[] ids, float[] weights, float[] sum) {}

    private static Outcome routed(Device device, RouterWeights router, float[] x, int n) {
        try (Arena arena = device.newArena()) {
            int experts = router.routing().numExperts();
            int k = router.routing().numExpertsPerToken();
            WeightMatrix[] held = Stream.of(router.matrices())
                    .map(matrix -> device.hold(matrix, arena))
                    .toArray(WeightMatrix[]::new);
            DeviceBuffer[] outs = Stream.of(held)
                    .map(matrix -> device.allocate(n * matrix.rows(), arena))
                    .toArray(DeviceBuffer[]::new);
            ExpertChoices choices = new ExpertChoices(device.allocate(ExpertChoices.floats(n * k), arena));
            RouterWeights there = new RouterWeights(held, router.biases(), router.routing(), router.correction());
            device.kernels().route(there, buffer(device, arena, x), n, outs, choices);
            float[] ones = new float[n * k];
            Arrays.fill(ones, 1);
            DeviceBuffer sum = device.allocate(n, arena);
            device.kernels().weightedSum(buffer(device, arena, ones), choices, n, k, 1, sum);
            float[] logits = DevicePair.read(device, outs[0]);
            assertEquals(n * experts, logits.length);
            return new Outcome(logits, choices.ids().clone(), choices.weights().clone(), DevicePair.read(device, sum));
        }
    }

    private RouterWeights router(Routing routing, DType dtype, float @Nullable [] correction) {
        WeightMatrix matrix = RandomWeights.matrix(dtype, routing.numExperts(), COLS, random);
        return new RouterWeights(new WeightMatrix[] {matrix}, new float[1][], routing, correction);
    }

    private Outcome assertChoosesAsTheHost(RouterWeights router, float[] x, int n) {
        Outcome found = routed(devices.cuda, router, x, n);
        assertChosenAsByHost(router, found, n);
        return found;
    }

    private static void assertChosenAsByHost(RouterWeights router, Outcome found, int n) {
        Routing routing = router.routing();
        int k = routing.numExpertsPerToken();
        int[] ids = new int[n * k];
        float[] weights = new float[n * k];
        ExpertChoice host = new ExpertChoice();
        for (int t = 0; t < n; t++) {
            host.choose(routing, found.logits(), t * routing.numExperts(), router.correction(), ids, weights, t * k);
        }
        String what = SEED + ": " + routing + ", " + n + " rows, " + router.matrices()[0].dtype();
        assertArrayEquals(ids, found.ids(), what);
        for (int i = 0; i < weights.length; i++) {
            assertEquals(weights[i], found.weights()[i], Math.ulp(weights[i]), what + ": weight " + i);
        }
        for (int t = 0; t < n; t++) {
            float sum = 0;
            for (int j = 0; j < k; j++) {
                sum += found.weights()[t * k + j];
            }
            assertEquals(sum, found.sum()[t], what + ": the sum on the device, row " + t);
        }
    }

    static List<Routing> rules() {
        return List.of(
                Routing.softmax(8, 2),
                Routing.softmax(64, 8),
                Routing.softmax(1, 1),
                Routing.softmax(33, 33),
                Routing.softmax(60, 4).normalised(Normalisation.SUM),
                Routing.softmax(160, 6).grouped(new Groups(8, 3, Rank.BEST)).times(16),
                Routing.softmax(72, 9).grouped(new Groups(3, 2, Rank.SUM_OF_TWO)),
                Routing.softmax(7, 3).normalised(Normalisation.norm(2)),
                Routing.softmax(16, 4).normalised(Normalisation.norm(1.5)).times(0.7),
                Routing.softmax(5, 2).normalised(new Normalisation(3, 0.25, 0.5)),
                Routing.softmax(256, 8)
                        .scoredBy(Score.SIGMOID)
                        .grouped(new Groups(8, 4, Rank.SUM_OF_TWO))
                        .normalised(Normalisation.sumAnd(1e-20))
                        .times(2.5),
                Routing.softmax(32, 6).scoredBy(Score.SIGMOID).grouped(new Groups(8, 2, Rank.SUM_OF_TWO).exclusively()),
                Routing.softmax(64, 6).scoredBy(Score.SIGMOID).normalised(Normalisation.sumOrAtLeast(4)),
                Routing.softmax(64, 32)
                        .scoredBy(Score.SIGMOID)
                        .grouped(new Groups(32, 16, Rank.BEST))
                        .times(3),
                Routing.softmax(16, 2).scoredBy(new SparseMixer(0.01)),
                Routing.softmax(17, 5).scoredBy(new SparseMixer(0.2)),
                Routing.softmax(768, 12).times(6),
                Routing.softmax(1024, 64));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void choosesAsTheHostByEveryRule(Routing routing) {
        for (int n : new int[] {1, 2, 7}) {
            float[] x = floats(n * COLS, random);
            assertChoosesAsTheHost(router(routing, DType.F32, null), x, n);
            assertChoosesAsTheHost(router(routing, DType.F32, floats(routing.numExperts(), random)), x, n);
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void routersMayBeOfEveryType(DType dtype) {
        int cols = 256;
        Routing routing = Routing.softmax(40, 4).normalised(Normalisation.SUM);
        WeightMatrix matrix = RandomWeights.matrix(dtype, 40, cols, random);
        float[] bias = floats(40, random);
        RouterWeights router = new RouterWeights(new WeightMatrix[] {matrix}, new float[][] {bias}, routing, null);
        for (int n : new int[] {1, 6}) {
            float[] x = floats(n * cols, random);
            Outcome found = assertChoosesAsTheHost(router, x, n);
            float[] expected = routed(devices.cpu, router, x, n).logits();
            float largest = 0;
            for (float value : expected) {
                largest = Math.max(largest, Math.abs(value));
            }
            assertArrayEquals(expected, found.logits(), 1e-5f * largest, SEED + ": " + dtype);
        }
    }

    /// A gate of the same type is computed in the same launch; the last tile of the logits is not whole.
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "Q8_0"})
    void computesWhatIsBesideTheRouter(DType ofGate) {
        Routing routing = Routing.softmax(21, 3);
        WeightMatrix logits = RandomWeights.matrix(DType.BF16, 21, COLS, random);
        WeightMatrix gate = RandomWeights.matrix(ofGate, 40, COLS, random);
        float[] bias = floats(40, random);
        for (int n : new int[] {1, 9}) {
            float[] x = floats(n * COLS, random);
            DevicePair.Work work = (device, arena) -> {
                WeightMatrix[] held = {device.hold(logits, arena), device.hold(gate, arena)};
                DeviceBuffer[] outs = {device.allocate(n * 21, arena), device.allocate(n * 40, arena)};
                ExpertChoices choices = new ExpertChoices(device.allocate(ExpertChoices.floats(n * 3), arena));
                RouterWeights router = new RouterWeights(held, new float[][] {null, bias}, routing, null);
                device.kernels().route(router, buffer(device, arena, x), n, outs, choices);
                return outs[1];
            };
            float[] expected = devices.onCpu(work);
            assertArrayEquals(expected, devices.onCuda(work), 1e-4f, SEED + ": " + ofGate + ", " + n);
        }
    }

    @Test
    void tiesGoToTheLowerId() {
        for (Routing routing : List.of(
                Routing.softmax(70, 5),
                Routing.softmax(70, 5).scoredBy(Score.SIGMOID),
                Routing.softmax(70, 5).scoredBy(new SparseMixer(0.1)),
                Routing.softmax(70, 5).grouped(new Groups(7, 3, Rank.SUM_OF_TWO)))) {
            for (int n : new int[] {1, 3}) {
                float[] x = new float[n * COLS];
                Outcome found = assertChoosesAsTheHost(router(routing, DType.F32, null), x, n);
                assertArrayEquals(
                        new int[] {0, 1, 2, 3, 4}, Arrays.copyOf(found.ids(), 5), "of equal logits: " + routing);
            }
        }
        float[] correction = new float[70];
        Arrays.fill(correction, 10, 70, 0.5f);
        Routing corrected = Routing.softmax(70, 3).scoredBy(Score.SIGMOID);
        Outcome found = assertChoosesAsTheHost(router(corrected, DType.F32, correction), new float[COLS], 1);
        assertArrayEquals(new int[] {10, 11, 12}, found.ids());
    }

    /// What is chosen then is arbitrary, but each expert once.
    @Test
    void choosesEachExpertOnceOfWhatIsNotANumber() {
        float[] x = floats(2 * COLS, random);
        x[3] = Float.NaN;
        for (Score score : List.of(Score.SOFTMAX, Score.SIGMOID, new SparseMixer(0.1))) {
            for (int k : new int[] {3, 40}) {
                Routing routing = Routing.softmax(40, k).scoredBy(score);
                int[] ids = routed(devices.cuda, router(routing, DType.F32, null), x, 2)
                        .ids();
                assertEquals(
                        k,
                        Arrays.stream(ids, 0, k)
                                .filter(id -> id >= 0 && id < 40)
                                .distinct()
                                .count());
            }
        }
    }

    @Test
    void aRowIsRoutedToTheSameBitsInEveryBatch() {
        int n = 11;
        for (Routing routing : rules()) {
            RouterWeights router = router(routing, DType.F16, floats(routing.numExperts(), random));
            int k = routing.numExpertsPerToken();
            float[] x = floats(n * COLS, random);
            Outcome together = routed(devices.cuda, router, x, n);
            for (int t = 0; t < n; t += 5) {
                Outcome alone = routed(devices.cuda, router, Arrays.copyOfRange(x, t * COLS, (t + 1) * COLS), 1);
                assertArrayEquals(Arrays.copyOfRange(together.ids(), t * k, (t + 1) * k), alone.ids());
                assertArrayEquals(Arrays.copyOfRange(together.weights(), t * k, (t + 1) * k), alone.weights());
            }
        }
    }

    /// More experts, choices or groups than a warp has room for.
    @Test
    void theHostChoosesWhereTheKernelsCannot() {
        for (Routing routing : List.of(
                Routing.softmax(1025, 2),
                Routing.softmax(80, 65),
                Routing.softmax(66, 4).grouped(new Groups(33, 4, Rank.BEST)))) {
            assertChoosesAsTheHost(
                    router(routing, DType.F32, floats(routing.numExperts(), random)), floats(2 * COLS, random), 2);
        }
    }

    @Test
    void takesOneLaunchOneCopyAndOneWait() {
        if (!devices.isEmulated()) {
            return;
        }
        try (Arena arena = devices.cuda.newArena()) {
            WeightMatrix matrix = devices.cuda.hold(RandomWeights.matrix(DType.F32, 64, COLS, random), arena);
            RouterWeights router = new RouterWeights(
                    new WeightMatrix[] {matrix}, new float[][] {floats(64, random)}, Routing.softmax(64, 8), null);
            DeviceBuffer[] outs = {devices.cuda.allocate(64, arena)};
            ExpertChoices choices = new ExpertChoices(devices.cuda.allocate(ExpertChoices.floats(8), arena));
            DeviceBuffer x = buffer(devices.cuda, arena, floats(COLS, random));
            devices.cuda.kernels().route(router, x, 1, outs, choices); // brings the bias
            long launches = devices.calls("cuLaunchKernel");
            long copies = devices.calls("cuMemcpyDtoHAsync");
            long sent = devices.calls("cuMemcpyHtoDAsync");
            long waits = devices.calls("cuStreamSynchronize");
            devices.cuda.kernels().route(router, x, 1, outs, choices);
            assertEquals(1, devices.calls("cuLaunchKernel") - launches);
            assertEquals(1, devices.calls("cuMemcpyDtoHAsync") - copies);
            assertEquals(sent, devices.calls("cuMemcpyHtoDAsync"));
            assertEquals(1, devices.calls("cuStreamSynchronize") - waits);
            assertTrue(choices.isOnDevice());
        }
    }

    /// As a router's capacity does.
    @Test
    void whatTheHostChangesIsWhatCounts() {
        try (Arena arena = devices.cuda.newArena()) {
            WeightMatrix matrix = devices.cuda.hold(RandomWeights.matrix(DType.F32, 8, COLS, random), arena);
            RouterWeights router =
                    new RouterWeights(new WeightMatrix[] {matrix}, new float[1][], Routing.softmax(8, 2), null);
            DeviceBuffer[] outs = {devices.cuda.allocate(8, arena)};
            ExpertChoices choices = new ExpertChoices(devices.cuda.allocate(ExpertChoices.floats(2), arena));
            devices.cuda.kernels().route(router, buffer(devices.cuda, arena, floats(COLS, random)), 1, outs, choices);
            choices.weights()[0] = 3;
            choices.weights()[1] = 0;
            choices.chosenOnHost();
            assertFalse(choices.isOnDevice());
            DeviceBuffer sum = devices.cuda.allocate(1, arena);
            devices.cuda.kernels().weightedSum(buffer(devices.cuda, arena, 2, 5), choices, 1, 2, 1, sum);
            assertArrayEquals(new float[] {6}, DevicePair.read(devices.cuda, sum));
        }
    }
}
