package io.moetier.lab.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.driver.EmulatedDriver;
import io.moetier.emulator.driver.clock.GpuProfile;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.driver.option.OtherClient;
import io.moetier.kernels.device.Device;
import io.moetier.runtime.metrics.ActivityListener;
import io.moetier.runtime.offload.DeviceWithLoaders;
import io.moetier.runtime.offload.ExpertTiers;
import io.moetier.runtime.offload.Load;
import io.moetier.runtime.offload.Loaders;
import io.moetier.runtime.offload.TransferScheduler;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.Seeds;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Memory of a GPU, and the memory below it, come and go while a model runs: the same bits.
class ElasticGpuTest {
    private static final int[] PROMPT = {5, 9, 20, 33, 2};
    private static final int STEPS = 3;
    private static final long VRAM_BYTES = 24 << 20;
    private static final double LOOK_NANOS = 250e6; // as often as the engine looks

    @TempDir
    static Path directory = Path.of("");

    /// The device of a driver, whose virtual time is that of the engine.
    private record InTime(EmulatedDriver driver) implements DeviceWithLoaders {
        @Override
        public Device open() {
            return EmulatedEngines.open(driver);
        }

        @Override
        public Loaders loaders() {
            return new Loaders() {
                @Override
                public int count() {
                    return THREADS.count();
                }

                @Override
                public int mostCount() {
                    return count();
                }

                @Override
                public <L extends Load> TransferScheduler<L> ofDevice(int capacity) {
                    return THREADS.ofDevice(capacity);
                }

                @Override
                public <L extends Load> TransferScheduler<L> ofProcessor(int capacity) {
                    return THREADS.ofProcessor(capacity);
                }

                @Override
                public double nanos() {
                    return driver.virtualNanos();
                }

                @Override
                public double computed(long bytes, int rows, long measuredNanos) {
                    return measuredNanos;
                }
            };
        }
    }

    private static Path store() {
        return EmulatedEngines.store(directory, TestData.golden("mixtral"));
    }

    private static int[] expected() {
        try (Engine engine = Engine.open(store(), EmulatedEngines.config(EmulatedOptions.DEFAULT))) {
            return EmulatedEngines.bits(engine, PROMPT, STEPS);
        }
    }

    @Test
    void slotsOfTheGpuAndBelowComeAndGoBetweenLayers() throws IOException {
        int[] expected = expected();
        Seeds.each(6, (seed, random) -> {
            try (EmulatedDriver driver = EmulatedDriver.start(EmulatedOptions.DEFAULT.withSeed(seed))) {
                EngineConfig config =
                        EmulatedEngines.config(EmulatedOptions.DEFAULT).withDevice(() -> EmulatedEngines.open(driver));
                try (Engine engine = Engine.open(store(), config)) {
                    ExpertTiers tiers = engine.expertTiers();
                    long most = tiers.residentSummary().slots().bytes();
                    int numSlots = tiers.residentSummary().slots().number();
                    engine.listen(new ActivityListener() {
                        @Override
                        public void onLayer(int layer) {
                            tiers.ask(random.nextLong(-most / 2, most / 2), false);
                            if (random.nextBoolean()) {
                                tiers.giveBackOn(0, random.nextLong(most / 4));
                            } else {
                                tiers.takeAgainOn(0, random.nextLong(most));
                            }
                        }
                    });
                    assertArrayEquals(expected, EmulatedEngines.bits(engine, PROMPT, STEPS));
                    assertTrue(tiers.movesOn(0).givenBack().slots() > 0);
                    assertTrue(tiers.moves().givenBack().slots() > 0);
                    tiers.takeAgain(Long.MAX_VALUE);
                    tiers.takeAgainOn(0, Long.MAX_VALUE);
                    assertEquals(numSlots, tiers.residentSummary().slots().number());
                    assertEquals(0, tiers.moves().numAway());
                }
                assertEquals(List.of(), driver.leaks().leaks());
            }
        });
    }

    /// Another program comes after a second and goes after eight.
    @Test
    void whatAnotherProgramTakesIsMadeUpForUntilItGoes() throws IOException {
        int[] ids = IntStream.range(0, 64).map(i -> (i * 7 + 3) % 60).toArray();
        int[][] expected = new int[ids.length][];
        try (Engine engine = Engine.open(store(), EmulatedEngines.config(EmulatedOptions.DEFAULT));
                Session session = engine.newSession()) {
            for (int i = 0; i < ids.length; i++) {
                expected[i] = decode(session, ids[i]);
            }
        }
        EmulatedGpu small = new EmulatedGpu(GpuProfile.of("rtx3060").orElseThrow(), VRAM_BYTES);
        EmulatedOptions options =
                EmulatedOptions.DEFAULT.withGpus(small).withOthers(new OtherClient(0, VRAM_BYTES / 4 * 3, 1e9, 8e9));
        try (EmulatedDriver driver = EmulatedDriver.start(options)) {
            EngineConfig config =
                    EmulatedEngines.config(EmulatedOptions.DEFAULT).withDevice(new InTime(driver));
            try (Engine engine = Engine.open(store(), config);
                    Session session = engine.newSession()) {
                ExpertTiers tiers = engine.expertTiers();
                int all = tiers.residentSummary().slots().number();
                int least = all;
                for (int i = 0; i < ids.length; i++) {
                    assertArrayEquals(expected[i], decode(session, ids[i]), "token " + i);
                    int now = tiers.residentSummary().slots().number();
                    assertTrue(now <= all);
                    least = Math.min(least, now);
                    driver.chargeHost(LOOK_NANOS);
                }
                assertTrue(least < all, "nothing was given back");
                assertEquals(all, tiers.residentSummary().slots().number(), tiers.movesOn(0)::toString);
                double given = tiers.movesOn(0).givenBack().firstNanos();
                double taken = tiers.movesOn(0).takenAgain().firstNanos();
                assertTrue(given >= 0.9e9 && given < 2e9, () -> "given back at " + given);
                assertTrue(taken >= 9.5e9 && taken < 11.5e9, () -> "taken again at " + taken);
            }
            assertEquals(List.of(), driver.leaks().leaks());
        }
    }

    private static int[] decode(Session session, int token) {
        session.decode(token);
        float[] logits = session.logits();
        return IntStream.range(0, logits.length)
                .map(i -> Float.floatToRawIntBits(logits[i]))
                .toArray();
    }
}
