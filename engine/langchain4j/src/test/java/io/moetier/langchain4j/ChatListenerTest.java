package io.moetier.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import io.moetier.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/// What LangChain4j tests of listeners of models.
class ChatListenerTest extends AbstractChatModelListenerIT {
    private static final int TOO_SHORT = 4;

    @TempDir
    Path folder = Path.of("");

    private final List<AutoCloseable> opened = new ArrayList<>();
    private Path parrot = Path.of("");

    @BeforeEach
    void write() throws IOException {
        parrot = Parrot.write(folder);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable model : opened) {
            model.close();
        }
    }

    private ChatModel model(ChatModelListener listener, int contextLength) {
        ModelOptions options = ModelOptions.DEFAULT
                .withCache(folder.resolve("cache"))
                .withThreads(1)
                .withContextLength(contextLength);
        MoetierChatModel model = MoetierChatModel.builder()
                .path(parrot)
                .options(options)
                .temperature(temperature())
                .topP(topP())
                .maxOutputTokens(maxTokens())
                .listeners(List.of(listener))
                .build();
        opened.add(model);
        return model;
    }

    @Override
    protected ChatModel createModel(ChatModelListener listener) {
        return model(listener, 0);
    }

    @Override
    protected ChatModel createFailingModel(ChatModelListener listener) {
        return model(listener, TOO_SHORT);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return InvalidRequestException.class;
    }

    @Override
    protected String modelName() {
        return "parrot";
    }

    @Override
    protected boolean supportsTools() {
        return false;
    }
}
