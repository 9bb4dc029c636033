package io.moetier.runtime.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.kernels.device.KvType;
import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ExpertSizes;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.model.MoeModel;
import io.moetier.runtime.model.memory.KvCache;
import io.moetier.runtime.model.mixture.ExpertPlaces;
import io.moetier.runtime.model.mixture.LargestProducts;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.MemoryForecast.PlannedDevice;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryForecastTest {
    private static final int CONTEXT = 40;
    private static final EngineConfig CONFIG = EngineConfig.DEFAULT.withContextLength(CONTEXT);

    /// What is told before there is an engine is what an engine then has: every part that a model decides.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "mixtral",
                "mixtral_sliding",
                "qwen3_next",
                "kimi_linear",
                "jamba",
                "nemotron_h_moe",
                "deepseek_v3",
                "deepseek_v4",
                "glm_moe_dsa",
                "jetmoe",
                "minimax_m3",
                "nllb_moe",
                "phimoe_longrope_long",
                "qwen3_vl_moe",
                "switch_transformers"
            })
    void isWhatAnEngineHas(String golden) {
        Path checkpoint = TestData.golden(golden);
        MemoryForecast forecast =
                MemoryForecast.of(model(checkpoint), CONFIG, AvailableMemory.limits(), Optional.empty(), false);
        try (Engine engine = UnguardedEngine.open(ImportedStores.of(checkpoint), CONFIG);
                Session session = engine.newSession()) {
            for (String part : List.of("other weights", "keys and values", "workspace", "loaders")) {
                assertEquals(bytes(engine.memoryPlan(), part), bytes(forecast.plan(), part), part);
            }
            assertEquals(
                    MoeModel.positionBytes(engine.spec(), CONTEXT),
                    engine.model().positionBytes());
            assertEquals(engine.expertTiers().residentSummary().slots(), forecast.slots());
            assertEquals(session.memoryUse().otherWeights(), bytes(forecast.plan(), "other weights"));
            assertEquals(
                    KvCache.allocatedBytes(engine.spec(), KvType.F16, CONTEXT),
                    forecast.keyValues().values().stream()
                            .mapToLong(each -> each)
                            .sum());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "deepseek_v4", "nllb_moe"})
    void theBuffersOfASessionArePlannedAsTheyAre(String golden) {
        MemoryForecast.Model model = model(TestData.golden(golden));
        MemoryForecast forecast = MemoryForecast.of(model, CONFIG, AMPLE, Optional.empty(), false);
        try (Engine engine = UnguardedEngine.open(ImportedStores.of(TestData.golden(golden)), CONFIG);
                Session session = engine.newSession()) {
            long ofKernels = engine.device().workingBytes();
            long planned = engine.device().workingBytes(LargestProducts.of(engine.spec(), CONTEXT));
            assertEquals(session.memoryUse().workspace() - ofKernels + planned, bytes(forecast.plan(), "workspace"));
        }
    }

    /// Half a kibibyte a position at a head of 128, which is 64 MiB here.
    @Test
    void theRotationsOfALongContextAreToldOf() {
        MemoryForecast.Model model = model(TestData.golden("gpt_oss"));
        long pairs = model.spec().rotations().findFirst().orElseThrow().rotaryDim() / 2;
        long more = forecast(model, 131_072).workspace() - forecast(model, 4096).workspace();
        assertEquals(2 * Float.BYTES * pairs * (131_072 - 4096), more);
    }

    private static final List<MemoryLimit> AMPLE =
            List.of(new MemoryLimit(MemoryLimit.Kind.MACHINE, "a machine", 1L << 40, 0));

    private static MemoryForecast forecast(MemoryForecast.Model model, int context) {
        return MemoryForecast.of(
                model,
                EngineConfig.DEFAULT.withContextLength(context),
                AvailableMemory.limits(),
                Optional.empty(),
                false);
    }

    @Test
    void aFullContextTakesWhatWasTold() {
        Path checkpoint = TestData.tinyMixtral();
        MemoryForecast forecast =
                MemoryForecast.of(model(checkpoint), CONFIG, AvailableMemory.limits(), Optional.empty(), false);
        try (Engine engine = Engine.open(ImportedStores.of(checkpoint), CONFIG);
                Session session = engine.newSession()) {
            session.prefill(IntStream.range(0, CONTEXT).toArray());
            assertEquals(session.memoryUse().keyValues(), bytes(forecast.plan(), "keys and values"));
        }
    }

    /// Its rows are all there from the beginning, unlike those of a text that goes on from its prompt.
    @Test
    void anOutputIsToldOfInFull() {
        Path checkpoint = TestData.golden("nllb_moe");
        MemoryForecast forecast = MemoryForecast.of(
                model(checkpoint), EngineConfig.DEFAULT, AvailableMemory.limits(), Optional.empty(), false);
        try (Engine engine = UnguardedEngine.open(ImportedStores.of(checkpoint), EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.encode(new int[engine.spec().maxPositionEmbeddings()]);
            assertEquals(session.memoryUse().keyValues(), bytes(forecast.plan(), "keys and values"));
        }
    }

    /// What is on its way to the processor, and what that keeps, lies in main memory.
    @Test
    void expertsThatAreComputedBesideADeviceAreToldOf() {
        MemoryForecast.Model model = model(TestData.tinyMixtral());
        EngineConfig copying = CONFIG.withDevice(() -> {
            throw new AssertionError("nothing is opened");
        });
        long beside = workspaceWithDevice(model, copying.withMisses(Misses.CPU)) - workspaceWithDevice(model, copying);
        long least = 2L * ExpertPlaces.bytesThere(model.spec(), CONTEXT);
        assertTrue(beside > least, beside + " bytes, more than " + least);
    }

    private static long workspaceWithDevice(MemoryForecast.Model model, EngineConfig config) {
        PlannedDevice device = new PlannedDevice(64 << 20, OptionalLong.empty());
        return bytes(
                MemoryForecast.of(model, config, AMPLE, Optional.of(device), false)
                        .plan(),
                "workspace");
    }

    @Test
    void theMemoryOfADeviceIsDivided() {
        MemoryForecast.Model model = model(TestData.tinyMixtral());
        long vram = 64 << 20;
        MemoryForecast forecast = MemoryForecast.of(
                model,
                CONFIG,
                AvailableMemory.limits(),
                Optional.of(new PlannedDevice(vram, OptionalLong.of(vram))),
                false);
        MemoryForecast.OnDevice device = forecast.device().orElseThrow();
        assertEquals(model.otherWeightBytes(), device.weights());
        assertEquals(
                forecast.keyValues().values().stream().mapToLong(each -> each).sum(), device.keyValues());
        assertEquals(model.slotBudget().allBytes(), device.slots().bytes(), "all experts fit beside " + device);
        assertEquals(model.otherWeightBytes(), bytes(forecast.plan(), "other weights"), "until they are copied");
    }

    @Test
    void whatCannotFitIsSaidWithAllParts() {
        MemoryForecast.Model model = model(TestData.tinyMixtral());
        List<MemoryLimit> little = List.of(new MemoryLimit(MemoryLimit.Kind.GROUP, "a small group", 10 << 20, 0));
        InvalidOptionException refused = assertThrows(
                InvalidOptionException.class, () -> MemoryForecast.of(model, CONFIG, little, Optional.empty(), false));
        for (String part : List.of("of a small group", "other weights", "keys and values", "Java heap", "reserve")) {
            assertTrue(refused.sentence(field -> field).contains(part), refused.getMessage());
        }
    }

    private static long bytes(MemoryPlan plan, String part) {
        return plan.parts().stream()
                .filter(each -> each.name().equals(part))
                .mapToLong(MemoryPlan.Part::bytes)
                .sum();
    }

    private static MemoryForecast.Model model(Path checkpoint) {
        try (ModelSource source = ModelSource.open(checkpoint)) {
            return new MemoryForecast.Model(
                    source.spec(),
                    ExpertSizes.of(source).sizeClasses(),
                    new CheckpointImporter(source, Quantisation.KEEP).denseBytes());
        }
    }
}
