package io.moetier.langchain4j;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import io.moetier.AnswerSettings;
import io.moetier.Model;
import io.moetier.ModelOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Builds a model for LangChain4j over a model of Moetier's: one that is open, or one that is opened for it.
///
/// @param <M> what is built
public final class MoetierBuilder<M> {
    private final Function<Turns, M> maker;
    private final DefaultChatRequestParameters.Builder<?> own = DefaultChatRequestParameters.builder();
    private ChatRequestParameters parameters = DefaultChatRequestParameters.EMPTY;
    private ModelOptions options = ModelOptions.DEFAULT;
    private AnswerSettings settings = AnswerSettings.DEFAULT;
    private OptionalLong seed = OptionalLong.empty();
    private List<ChatModelListener> listeners = List.of();
    private @Nullable Model model;
    private @Nullable Path path;
    private @Nullable String modelName;

    MoetierBuilder(Function<Turns, M> maker) {
        this.maker = maker;
    }

    /// Answers with a model that is open. It stays the caller's, to be closed after what is built here; several may be
    /// built over it.
    public MoetierBuilder<M> model(Model open) {
        model = open;
        return this;
    }

    /// Opens a model, which is closed with what is built here.
    public MoetierBuilder<M> path(Path file) {
        path = file;
        return this;
    }

    /// Says how [#path(Path)] is opened.
    public MoetierBuilder<M> options(ModelOptions newOptions) {
        options = newOptions;
        return this;
    }

    /// Names the model in responses; else it is called as its file is, or as its family.
    public MoetierBuilder<M> modelName(String name) {
        modelName = name;
        return this;
    }

    /// Says how answers are drawn and end where no parameter does, and what LangChain4j has no word for.
    public MoetierBuilder<M> settings(AnswerSettings newSettings) {
        settings = newSettings;
        return this;
    }

    /// Draws with this temperature where a request has none.
    public MoetierBuilder<M> temperature(double value) {
        own.temperature(value);
        return this;
    }

    /// Draws from the most probable tokens whose probability reaches this where a request does not say.
    public MoetierBuilder<M> topP(double value) {
        own.topP(value);
        return this;
    }

    /// Draws from so many most probable tokens where a request does not say.
    public MoetierBuilder<M> topK(int count) {
        own.topK(count);
        return this;
    }

    /// Ends answers after so many tokens where a request does not say; else, and with -1, they end where the context
    /// does.
    public MoetierBuilder<M> maxOutputTokens(int count) {
        own.maxOutputTokens(count);
        return this;
    }

    /// Ends answers before these texts where a request has none.
    public MoetierBuilder<M> stopSequences(List<String> texts) {
        own.stopSequences(texts);
        return this;
    }

    /// Starts the random sequence of each request with this; else it is another one each time.
    public MoetierBuilder<M> seed(long start) {
        seed = OptionalLong.of(start);
        return this;
    }

    /// Tells listeners of requests, responses and errors.
    public MoetierBuilder<M> listeners(List<ChatModelListener> told) {
        listeners = List.copyOf(told);
        return this;
    }

    /// Takes parameters for requests that do not have them; those that are set here by name go before.
    public MoetierBuilder<M> defaultRequestParameters(ChatRequestParameters newParameters) {
        parameters = newParameters;
        return this;
    }

    /// Builds it.
    ///
    /// @throws IllegalArgumentException if there is neither a model nor a path, or both
    /// @throws dev.langchain4j.exception.UnsupportedFeatureException if Moetier has not what a parameter asks for
    /// @throws dev.langchain4j.exception.InvalidRequestException if a parameter is out of range
    /// @throws io.moetier.MoetierException if the model cannot be opened, or has no chat template
    public M build() {
        ChatRequestParameters set = parameters.overrideWith(own.build());
        Requests requests = new Requests(name(), seed.isPresent() ? settings.withSeed(seed.getAsLong()) : settings);
        AnswerSettings _ = requests.settings(set); // so that no model is opened for what cannot be
        ChatRequestParameters defaults = set.overrideWith(
                ChatRequestParameters.builder().modelName(requests.modelName()).build());
        if (model != null) {
            return maker.apply(new Turns(model.chat(), null, requests, defaults, listeners));
        }
        Model opened = Model.open(requirePath(), options);
        try {
            return maker.apply(new Turns(opened.chat(), opened, requests, defaults, listeners));
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private String name() {
        if ((model == null) == (path == null)) {
            throw new IllegalArgumentException("expected one of model and path");
        }
        if (modelName != null) {
            return modelName;
        }
        return model != null
                ? model.info().family()
                : String.valueOf(requirePath().toAbsolutePath().getFileName());
    }

    private Path requirePath() {
        return Objects.requireNonNull(path);
    }
}
