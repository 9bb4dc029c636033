package io.moetier.runtime.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.runtime.chat.AnswerOptions;
import io.moetier.runtime.chat.Conversation;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.session.ImportedStores;
import io.moetier.runtime.session.SamplingParams;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadedModelTest {
    @Test
    void aClosedModelsAnswerEndsAsTheEngineSays(@TempDir Path cache) throws InterruptedException {
        Path store = ImportedStores.of(TestData.tinyMixtral());
        LoadedModel model = LoadedModel.open(store, store, cache, EngineConfig.DEFAULT.withThreads(1));
        AnswerOptions options =
                new AnswerOptions(SamplingParams.GREEDY, OptionalLong.of(7), OptionalInt.of(12), List.of(), true);
        Thread closing = Thread.ofPlatform().unstarted(model::close);
        try (Conversation conversation = new Conversation(model, () -> options, Optional.empty())) {
            conversation.listen((layer, pass, k, ids, weights, tiers) -> {
                if (closing.getState() == Thread.State.NEW) {
                    closing.start();
                    while (closing.getState() != Thread.State.WAITING) { // for this step
                        Thread.onSpinWait();
                    }
                    assertEquals("", model.requireTokenizer().decode(new int[0], true), "still there");
                }
            });
            IllegalStateException end = assertThrows(
                    IllegalStateException.class, () -> conversation.answer("Once", piece -> {}, () -> false));
            assertEquals("the engine is closed", end.getMessage());
            closing.join();
            assertThrows(
                    IllegalStateException.class, () -> model.requireTokenizer().encode("Once", true));
        }
    }
}
