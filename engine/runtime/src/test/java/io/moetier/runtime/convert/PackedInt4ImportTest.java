package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.model.spec.DenseSpec;
import io.moetier.runtime.model.spec.MoeSpec;
import io.moetier.runtime.model.spec.weight.LinearSpec;
import io.moetier.storage.format.Floats;
import io.moetier.storage.model.DType;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Kimi K2 as it is published: its experts in whole numbers of four bits, packed by compressed-tensors.
class PackedInt4ImportTest {
    private static final Path CASE = TestData.golden("deepseek_v3_yarn");
    private static final Pattern EXPERTS = Pattern.compile(".*\\.experts\\.\\d+\\..*_proj\\.weight");

    /// What llm-compressor packs of other models, if nobody tells it to leave something out.
    private static final Pattern LINEAR = Pattern.compile(".*(_proj|_with_mqa)\\.weight");

    @TempDir
    Path directory;

    @Test
    void theBlocksOfExpertsAreWhatTheNumbersStandFor() throws IOException {
        Path packed = behindTower(checkpoint(EXPERTS, false)).write(directory.resolve("packed"));
        Path plain = checkpoint(EXPERTS, true).write(directory.resolve("plain"));
        try (ModelSource one = ModelSource.open(packed);
                ModelSource other = ModelSource.open(plain)) {
            String text = String.valueOf(one.metadata().get("int4"));
            assertTrue(text.matches("[1-9][0-9]+ tensors, read as q4_0"), text);
            assertEquals(Map.of(), other.metadata());
            for (int layer = 0; layer < one.spec().moeLayers().size(); layer++) {
                MoeSpec expected = other.spec().moeLayers().get(layer);
                MoeSpec found = one.spec().moeLayers().get(layer);
                for (int expert = 0; expert < found.experts().size(); expert++) {
                    assertSame(
                            other,
                            expected.experts().get(expert),
                            one,
                            found.experts().get(expert));
                }
            }
        }
    }

    private static void assertSame(ModelSource other, DenseSpec expected, ModelSource one, DenseSpec found) {
        for (int i = 0; i < found.linears().size(); i++) {
            LinearSpec linear = found.linears().get(i);
            assertEquals(DType.Q4_0, one.require(linear).dtype());
            assertArrayEquals(floats(other, expected.linears().get(i)), floats(one, linear), linear.weight());
        }
    }

    private static float[] floats(ModelSource source, LinearSpec linear) {
        DType dtype = source.require(linear).dtype();
        float[] floats = new float[linear.rows() * linear.cols()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(dtype.bytes(floats.length));
            source.read(linear, 0, bytes);
            Floats.decode(dtype, bytes, floats.length, floats, 0);
        }
        return floats;
    }

    /// Activations are rounded to eight bits in front of matrices of Q4_0, which costs up to 0.022 here; numbers in
    /// another order or factors of other groups cost as much as the logits are.
    @Test
    void theLogitsAreNearlyThoseOfWhatTheNumbersStandFor() throws IOException {
        for (Pattern chosen : new Pattern[] {EXPERTS, LINEAR}) {
            String name = chosen == EXPERTS ? "experts" : "all";
            float[] expected = checkpoint(chosen, true).logits(directory, name + "-plain");
            float[] found = behindTower(checkpoint(chosen, false)).logits(directory, name);
            double error = 0;
            double size = 0;
            for (int i = 0; i < found.length; i++) {
                error += Math.pow(found[i] - expected[i], 2);
                size += Math.pow(expected[i], 2);
            }
            assertTrue(Math.sqrt(error / size) < 0.05, name + ": " + Math.sqrt(error / size));
        }
    }

    @Test
    void aStoreIsAsLargeAsItsBlocks() throws IOException {
        Path packed = checkpoint(EXPERTS, false).write(directory.resolve("packed"));
        long[] read = {0};
        try (ModelSource source = ModelSource.open(packed)) {
            new CheckpointImporter(source, Quantisation.of(Rounding.Q4_0))
                    .run(directory.resolve("q4_0.mtier"), false, bytes -> read[0] += bytes);
            assertTrue(read[0] <= source.totalBytes(), read[0] + " of " + source.totalBytes());
            assertEquals(
                    ExpertSizes.of(source),
                    ExpertSizes.of(source, Rounding.Q4_0),
                    "numbers of four bits stay what they are");
        }
    }

    private static AlteredCheckpoint checkpoint(Pattern chosen, boolean asRead) {
        return new AlteredCheckpoint(CASE).int4(chosen.asMatchPredicate(), 32, asRead);
    }

    private static AlteredCheckpoint behindTower(AlteredCheckpoint alone) {
        return alone.configInside("kimi_k25", "text_config").rename(name -> Optional.of("language_model." + name));
    }
}
