package io.moetier.runtime.model.mixture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.cpu.CpuDevice;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.ExpertChoices;
import io.moetier.runtime.model.pass.Pass;
import io.moetier.storage.model.Phase;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LossMeterTest {
    private static final int K = 4;
    private static final int EXPERTS = 16;
    private static final int CHOICES = EXPERTS + 2; // and two identities
    private static final int LAYERS = 6;

    private final Device device = CpuDevice.open(1, KernelChoice.PLAIN, Optional.empty());
    private final Arena arena = device.newArena();
    private final Pass token = new Pass();
    private final ExpertChoices chosen = new ExpertChoices(device.allocate(ExpertChoices.floats(K), arena));

    @BeforeEach
    void choose() {
        set(new int[] {3, 9, 1, 7}, 0.5f, 0.3f, 0.15f, 0.05f);
        token.begin(1, 0, Phase.DECODE);
    }

    @AfterEach
    void close() {
        arena.close();
        device.close();
    }

    @Test
    void nothingIsLeftOutUnlessAskedFor() {
        LossMeter exact = new LossMeter((_, _) -> false, OptionalDouble.empty(), null);
        assertFalse(exact.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, 9, 1, 7}, chosen.ids());
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.of(100), null);
        meter.limit(1, 1);
        assertTrue(meter.isLimited());
        meter.pause();
        assertFalse(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
    }

    /// One expert always stays, and the sum of weights does.
    @Test
    void thatOfTheMostWeightStaysAndTheSumToo() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.empty(), null);
        meter.calibrate(1, 1);
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, -1, -1, -1}, chosen.ids());
        assertArrayEquals(new float[] {1, 0, 0, 0}, chosen.weights(), 1e-6f);
        assertEquals(0.5, meter.dosePerToken(), 1e-6);
        assertEquals(0.75, meter.shareLeftOut(), 1e-6);
    }

    @Test
    void theDoseIsTheShareOfWeightThatWasLeftOut() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.empty(), null);
        meter.calibrate(0.2, 1);
        set(new int[] {3, 9, 1, 7}, 2f, 1.2f, 0.6f, 0.2f); // weights that do not add up to one
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, 9, -1, -1}, chosen.ids());
        assertArrayEquals(new float[] {2.5f, 1.5f, 0, 0}, chosen.weights(), 1e-6f);
        assertEquals(0.2, meter.dosePerToken(), 1e-6);
    }

    /// They are copies of the input, which cost nothing.
    @Test
    void identitiesAndChoicesOfNoneStay() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.empty(), null);
        meter.calibrate(1, 1);
        set(new int[] {3, EXPERTS + 1, 1, -1}, 0.6f, 0.2f, 0.2f, 0);
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, EXPERTS + 1, -1, -1}, chosen.ids());
        assertEquals(1.0 / 3, meter.shareLeftOut(), 1e-6);
    }

    @Test
    void promptsAreExactWhereTheLossIsLimited() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.of(10), null);
        meter.limit(1, 1);
        token.begin(1, 0, Phase.PREFILL); // the last one of a long prompt, say
        assertFalse(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertEquals(0, meter.estimatedKld());
    }

    @Test
    void aLimitNeedsTheCostOfADose() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.of(10), null);
        assertThrows(IllegalStateException.class, () -> meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
    }

    /// A router that gives every expert no weight says nothing of what may be left out.
    @Test
    void nothingIsLeftOutWhereNothingHasWeight() {
        LossMeter meter = new LossMeter((_, _) -> false, OptionalDouble.of(10), null);
        meter.limit(1, 1);
        for (float weight : new float[] {0, Float.NaN}) {
            set(new int[] {3, 9, 1, 7}, weight, weight, weight, weight);
            assertFalse(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        }
        choose();
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
    }

    /// Whatever the weights are: after every layer of every token.
    @Test
    void theEstimateNeverExceedsTheLimit() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            double limit = Math.exp(-8 * random.nextDouble());
            double kldPerDose = Math.exp(2 * random.nextGaussian());
            LossMeter.Copies copies = new LossMeter.Copies((_, expert) -> expert % 5 == 0, random.nextDouble());
            LossMeter meter = new LossMeter(
                    (_, expert) -> expert % 3 == 0, OptionalDouble.of(limit), seed % 2 == 0 ? copies : null);
            meter.limit(kldPerDose, random.nextDouble());
            double sharpness = 5 * random.nextDouble();
            for (int i = 0; i < 200; i++) {
                for (int layer = 0; layer < LAYERS; layer++) {
                    chooseAtRandom(random, sharpness);
                    boolean _ = meter.leaveOut(token, layer == 0, layer, chosen, K, EXPERTS, CHOICES);
                    assertTrue(
                            meter.estimatedKld() <= limit * (1 + 1e-9),
                            "seed " + seed + ": " + meter.estimatedKld() + " of " + limit);
                }
            }
        }
    }

    /// So that the limit is of use: in the long run most of it is used, if there is enough to leave out.
    @Test
    void mostOfTheLimitIsUsed() {
        LossMeter meter = new LossMeter((_, expert) -> expert < EXPERTS / 2, OptionalDouble.of(0.02), null);
        meter.limit(0.1, 1);
        Random random = new Random(5);
        for (int i = 0; i < 500; i++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                chooseAtRandom(random, 2);
                boolean _ = meter.leaveOut(token, layer == 0, layer, chosen, K, EXPERTS, CHOICES);
            }
        }
        assertTrue(meter.estimatedKld() > 0.9 * 0.02, "" + meter.estimatedKld());
    }

    @Test
    void missingExpertsAreLeftOutBeforeThoseInMemory() {
        int[] here = {0};
        LossMeter meter = new LossMeter((_, expert) -> expert < EXPERTS / 2, OptionalDouble.of(0.05), null);
        meter.limit(0.1, 1);
        Random random = new Random(6);
        int missing = 0;
        for (int i = 0; i < 500; i++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                chooseAtRandom(random, 2);
                int[] before = chosen.ids().clone();
                boolean _ = meter.leaveOut(token, layer == 0, layer, chosen, K, EXPERTS, CHOICES);
                for (int choice = 0; choice < K; choice++) {
                    if (chosen.ids()[choice] < 0) {
                        here[0] += before[choice] < EXPERTS / 2 ? 1 : 0;
                        missing += before[choice] < EXPERTS / 2 ? 0 : 1;
                    }
                }
            }
        }
        assertEquals(missing, meter.loadsSaved());
        assertTrue(missing > 4 * here[0], missing + " that were missing, " + here[0] + " that were there");
    }

    /// A copy of half the bytes saves half a load, and here costs a hundredth of what leaving the expert out would.
    @Test
    void aCopyStandsForAMissingExpertOfMoreWeight() {
        LossMeter meter = new LossMeter(
                (_, expert) -> expert == 9, OptionalDouble.of(0.3), new LossMeter.Copies((_, _) -> false, 0.5));
        meter.limit(1, 0.01); // a load is worth a dose of 0.27
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        // 7 is worth more if it is left out, 1 and 3 as copies; 9 is here
        assertArrayEquals(new int[] {CHOICES + 3, 9, CHOICES + 1, -1}, chosen.ids());
        assertArrayEquals(new float[] {0.5f / 0.95f, 0.3f / 0.95f, 0.15f / 0.95f, 0}, chosen.weights(), 1e-6f);
        assertEquals(0.05 + 0.01 * (0.15 + 0.5), meter.dosePerToken(), 1e-6);
        assertEquals(0.25, meter.shareLeftOut(), 1e-6);
        assertEquals(0.5, meter.shareCopied(), 1e-6);
        assertEquals(3, meter.loadsSaved());
    }

    /// What is nearly as long to read as the expert is worth little.
    @Test
    void aLargeCopyOfMuchWeightIsNotTaken() {
        LossMeter meter =
                new LossMeter((_, _) -> false, OptionalDouble.of(0.3), new LossMeter.Copies((_, _) -> false, 0.9));
        meter.limit(1, 0.07);
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, CHOICES + 9, -1, -1}, chosen.ids());
        assertTrue(meter.hasCopies());
    }

    @Test
    void copiesAreCalibratedByWhatLeavingTheirExpertsOutWouldBe() {
        LossMeter meter =
                new LossMeter((_, _) -> true, OptionalDouble.empty(), new LossMeter.Copies((_, _) -> false, 0.5));
        meter.calibrateCopies(0.4, 1);
        token.begin(1, 0, Phase.PREFILL);
        assertTrue(meter.leaveOut(token, true, 0, chosen, K, EXPERTS, CHOICES));
        assertArrayEquals(new int[] {3, CHOICES + 9, CHOICES + 1, CHOICES + 7}, chosen.ids());
        assertArrayEquals(new float[] {0.5f, 0.3f, 0.15f, 0.05f}, chosen.weights(), 1e-6f);
        assertEquals(0.5, meter.dosePerToken(), 1e-6);
        LossMeter none = new LossMeter((_, _) -> true, OptionalDouble.empty(), null);
        assertThrows(IllegalStateException.class, () -> none.calibrateCopies(1, 1));
    }

    private void chooseAtRandom(Random random, double sharpness) {
        int[] ids = IntStream.range(0, EXPERTS).toArray();
        for (int i = 0; i < K; i++) {
            int other = i + random.nextInt(EXPERTS - i);
            int id = ids[i];
            ids[i] = ids[other];
            ids[other] = id;
        }
        double[] weights = new double[K];
        for (int i = 0; i < K; i++) {
            weights[i] = Math.exp(sharpness * random.nextDouble());
        }
        double sum = Arrays.stream(weights).sum();
        for (int i = 0; i < K; i++) {
            chosen.ids()[i] = ids[i];
            chosen.weights()[i] = (float) (weights[i] / sum);
        }
    }

    private void set(int[] ids, float... weights) {
        System.arraycopy(ids, 0, chosen.ids(), 0, K);
        System.arraycopy(weights, 0, chosen.weights(), 0, K);
    }
}
