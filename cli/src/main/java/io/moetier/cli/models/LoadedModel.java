package io.moetier.cli.models;

import io.moetier.cli.option.Prompt;
import io.moetier.cli.option.VectorModule;
import io.moetier.cli.terminal.Unstoppable;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.DeviceMarks;
import io.moetier.lab.device.VirtualDevice;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.runtime.text.LanguageTokens;
import io.moetier.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// An engine and the model's tokenizer, which is opened when text is first needed.
public final class LoadedModel implements AutoCloseable {
    private final Path name;
    private final Path directory;
    private final Path cacheDirectory;
    private final Engine engine;
    private final Optional<VirtualDevice> virtual;
    private final Unstoppable unstoppable = new Unstoppable();
    private @Nullable Tokenizer tokenizer;

    private LoadedModel(
            Path name, Path directory, Path cacheDirectory, Engine engine, Optional<VirtualDevice> virtual) {
        this.name = name;
        this.directory = directory;
        this.cacheDirectory = cacheDirectory;
        this.engine = engine;
        this.virtual = virtual;
    }

    /// Loads the store in `directory`; messages call it `name`, and native code is unpacked into `cacheDirectory`.
    public static LoadedModel open(Path name, Path directory, Path cacheDirectory, EngineConfig config) {
        if ((config.compute().device().isEmpty() || config.offloading().misses() != Misses.COPY)
                && config.compute().kernels() != KernelChoice.PLAIN) {
            VectorModule.load();
        }
        Engine engine = Engine.open(directory, config.withNativeDirectory(cacheDirectory));
        Optional<VirtualDevice> virtual = config.compute()
                .device()
                .filter(VirtualDevice.class::isInstance)
                .map(VirtualDevice.class::cast);
        return new LoadedModel(name, directory, cacheDirectory, engine, virtual);
    }

    public Engine engine() {
        return engine;
    }

    /// Returns what messages call the model.
    public Path name() {
        return name;
    }

    /// Returns the device that the model runs on if it is not there and has virtual time.
    public Optional<VirtualDevice> virtual() {
        return virtual;
    }

    /// Makes marks among the kernels of the engine's device; in virtual time where that is not there.
    public DeviceMarks newMarks() {
        return virtual.<DeviceMarks>map(VirtualDevice::newMarks).orElseGet(engine::newMarks);
    }

    /// Says by which clock those marks go.
    String clock() {
        return virtual.map(gpu -> "virtual time of " + gpu.kind() + " " + gpu.gpu()
                        + ", by a model of it; reads from disk" + " take none")
                .orElseGet(() -> engine.pinnedTier().isPresent()
                        ? "sections: events of the GPU; copies and reads: the host's clock, with their waits"
                        : "the host's clock");
    }

    /// Returns the tokenizer, if the model came with one.
    public Optional<Tokenizer> tokenizer() {
        if (tokenizer == null) {
            Optional<Path> json = engine.store().file("tokenizer.json");
            if (json.isEmpty()) {
                return Optional.empty();
            }
            tokenizer = Tokenizer.open(json.get(), engine.store().file("tokenizer_config.json"), cacheDirectory);
        }
        return Optional.of(tokenizer);
    }

    /// Returns the tokens that stand for languages; none where there is no tokenizer.
    public LanguageTokens languages() {
        return engine.store().file("tokenizer.json").map(LanguageTokens::read).orElse(LanguageTokens.NONE);
    }

    /// Returns the tokenizer.
    ///
    /// @throws IllegalArgumentException if the model came without one
    public Tokenizer requireTokenizer() {
        return tokenizer().orElseThrow(() -> noTokenizer(name));
    }

    /// Returns what to say when text is to be read or written with a model that came without a tokenizer.
    static IllegalArgumentException noTokenizer(Path name) {
        return new IllegalArgumentException(
                name + " has no tokenizer; run, logits and explain take token ids with --ids");
    }

    /// Returns the tokens of a prompt: the ids that were given, or those of the text.
    ///
    /// @throws IllegalArgumentException if it is a text and there is no tokenizer
    public int[] tokens(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Ids given -> given.ids();
            case Prompt.Text given -> encode(given.text(), true);
        };
    }

    /// Returns the tokens of the text of a prompt.
    ///
    /// @param addSpecialTokens as [Tokenizer#encode]
    /// @throws IllegalArgumentException if there are more than the model takes, or there is no tokenizer
    public int[] encode(String text, boolean addSpecialTokens) {
        return requireTokenizer()
                .encodeAtMost(engine.longestPrompt(), text, addSpecialTokens)
                .orElseThrow(() -> engine.tooLong("more than " + engine.longestPrompt()));
    }

    /// Returns the tokens that `work` makes of a text; nothing once `cancelled` says so, though no tokenizer stops.
    ///
    /// @throws IllegalArgumentException if there is no tokenizer
    public Optional<int[]> tokens(Supplier<int[]> work, BooleanSupplier cancelled) {
        requireTokenizer();
        return unstoppable.run(work, cancelled);
    }

    /// Returns the chat template, if the model has one.
    public Optional<ChatTemplate> chatTemplate() {
        return ChatTemplate.find(directory, Clock.system(ZoneId.systemDefault()));
    }

    @Override
    public void close() {
        if (tokenizer != null && unstoppable.isIdle()) { // else it is in use, and stays until the process ends
            tokenizer.close();
        }
        engine.close();
    }
}
