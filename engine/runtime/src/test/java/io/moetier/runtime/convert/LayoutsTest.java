package io.moetier.runtime.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.Session;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The layouts that checkpoints of one family come in give the same bits.
class LayoutsTest {
    private static final Predicate<String> LINEAR = Pattern.compile(
                    "model\\.language_model\\..*_proj(_qkv|_z)?\\.weight")
            .asMatchPredicate();

    @TempDir
    Path directory;

    @Test
    void expertsMayLieOneByOne() throws IOException {
        assertSameLogits(qwen(), qwen().expertsApart());
    }

    @Test
    void expertsInEightBitsLieOneByOne() throws IOException {
        assertSameLogits(
                qwen().expertsApart().float8(LINEAR, 24, 40, true),
                qwen().expertsApart().float8(LINEAR, 24, 40, false));
    }

    @Test
    void theLanguageModelMayBeAlone() throws IOException {
        AlteredCheckpoint alone = qwen().configOf("text_config")
                .rename(name -> name.startsWith("model.visual.")
                        ? Optional.empty()
                        : Optional.of(name.replace("language_model.", "")));
        assertSameLogits(qwen(), alone);
    }

    @Test
    void tensorsThatAreLeftOutAreCounted() {
        try (ModelSource source = ModelSource.open(TestData.golden("qwen3_5_moe_mtp"))) {
            assertEquals(0, source.numEncoderTensors(), "those of a tower that is read");
            assertEquals(19, source.numGuessingTensors());
        }
        try (ModelSource source = ModelSource.open(TestData.golden("minimax_m3"))) {
            assertEquals(27, source.numEncoderTensors());
        }
    }

    private static AlteredCheckpoint qwen() {
        return new AlteredCheckpoint(TestData.golden("qwen3_5_moe"));
    }

    private void assertSameLogits(AlteredCheckpoint one, AlteredCheckpoint other) throws IOException {
        assertArrayEquals(logits("one", one), logits("other", other));
    }

    private float[] logits(String name, AlteredCheckpoint checkpoint) throws IOException {
        Path store = directory.resolve(name + ".mtier");
        try (ModelSource source = ModelSource.open(checkpoint.write(directory.resolve(name)))) {
            new CheckpointImporter(source, Quantisation.KEEP).run(store, false, bytes -> {});
        }
        try (Engine engine = Engine.open(store, EngineConfig.DEFAULT);
                Session session = engine.newSession()) {
            session.prefill(new int[] {1, 17, 300, 5, 42});
            return session.logits().clone();
        }
    }
}
