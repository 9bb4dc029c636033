package io.moetier.runtime.library;

import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.cpu.VectorModule;
import io.moetier.kernels.device.DeviceFactory;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.image.processor.ImageProcessor;
import io.moetier.runtime.image.processor.Pixels;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.spec.VisionSpec;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.PixelValues;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.session.Engine;
import io.moetier.runtime.session.EngineConfig;
import io.moetier.runtime.text.ChatTemplate;
import io.moetier.runtime.text.LanguageTokens;
import io.moetier.runtime.text.Tokenizer;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneId;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// An engine and the model's tokenizer, which is opened when text is first needed.
public final class LoadedModel implements AutoCloseable {
    /// What messages about a model without a tokenizer end with.
    public static final String NO_TOKENIZER = " has no tokenizer";

    /// What messages about a model in a GGUF file end with that could read pictures with another file.
    public static final String NO_MMPROJ = "; no mmproj file was named";

    /// What messages about pictures for a model that could read them, and does not, have before the reason.
    static final String NOT_READ = "not read: ";

    private final Path name;
    private final Path directory;
    private final Path cacheDirectory;
    private final Engine engine;
    private final Optional<DeviceFactory> device;
    private Optional<String> whyNoPictures = Optional.empty();
    private final Unstoppable unstoppable = new Unstoppable();
    private @Nullable Tokenizer tokenizer;

    private LoadedModel(Path name, Path directory, Path cacheDirectory, Engine engine, Optional<DeviceFactory> device) {
        this.name = name;
        this.directory = directory;
        this.cacheDirectory = cacheDirectory;
        this.engine = engine;
        this.device = device;
    }

    /// Loads the store in `directory`; messages call it `name`, and native code is unpacked into `cacheDirectory`.
    public static LoadedModel open(Path name, Path directory, Path cacheDirectory, EngineConfig config) {
        if ((config.compute().device().isEmpty() || config.offloading().misses() != Misses.COPY)
                && config.compute().kernels() != KernelChoice.PLAIN) {
            VectorModule.load();
        }
        Optional<LossCalibration.Costs> costs = LossCalibration.costs(
                config.numerics().selection(),
                name,
                StoreManifest.read(directory).fingerprint(),
                cacheDirectory);
        Engine engine = Engine.open(directory, config.withNativeDirectory(cacheDirectory));
        costs.ifPresent(of -> engine.loss().limit(of.kldPerDose(), of.copyDose()));
        return new LoadedModel(
                name, directory, cacheDirectory, engine, config.compute().device());
    }

    /// Returns this model with the reason why it reads no pictures, where it could.
    LoadedModel seeing(Optional<String> reason) {
        whyNoPictures = reason;
        return this;
    }

    public Engine engine() {
        return engine;
    }

    /// Checks that the model reads pictures.
    ///
    /// @throws IllegalArgumentException if it reads none, with the reason where there is one
    public void requireVision() {
        if (engine.spec().vision().isEmpty()) {
            boolean isGguf =
                    GgufParts.isOne(name) && Families.hasTowers(engine.spec().family());
            Optional<String> reason = whyNoPictures.or(
                    () -> isGguf ? Optional.of("no file beside the model has a tower for them") : Optional.empty());
            reason.ifPresent(text -> {
                throw new IllegalArgumentException(
                        name + ": pictures are " + NOT_READ + text + (isGguf ? NO_MMPROJ : ""));
            });
        }
        engine.requireVision();
    }

    /// Returns what messages call the model.
    public Path name() {
        return name;
    }

    /// Returns what made the first device that the model runs on; nothing if that is the CPU.
    public Optional<DeviceFactory> device() {
        return device;
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
        return new IllegalArgumentException(name + NO_TOKENIZER);
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
    public <T> Optional<T> tokens(Supplier<T> work, BooleanSupplier cancelled) {
        requireTokenizer();
        return unstoppable.run(work, cancelled);
    }

    /// Returns what makes of a picture what the model's tower takes.
    ///
    /// @throws IllegalArgumentException if the model reads none, or came without the file that says how
    public ImageProcessor imageProcessor() {
        requireVision();
        return ImageProcessor.of(preprocessor(), engine.store().config());
    }

    /// Since its version 5, transformers writes all processors of a model to one file.
    private JsonObject preprocessor() {
        return described("processor_config.json")
                .flatMap(all -> all.optionalObject("image_processor"))
                .or(() -> described("preprocessor_config.json"))
                .orElseThrow(() -> new IllegalArgumentException(
                        name + " came with neither preprocessor_config.json nor an image_processor in"
                                + " processor_config.json, which say how pictures are read"));
    }

    private Optional<JsonObject> described(String file) {
        return engine.store().file(file).map(Json::readObject);
    }

    /// Returns what the model's tower reads of a picture.
    ///
    /// @throws IllegalArgumentException as [#imageProcessor]
    /// @throws io.moetier.runtime.image.UnreadablePictureException if the picture's size is refused
    public ImagePatches patches(Picture picture) {
        return patches(imageProcessor().process(picture));
    }

    /// Returns what the model's tower reads of what its processor has made.
    ///
    /// @throws IllegalArgumentException if that is of another tower
    public ImagePatches patches(Pixels pixels) {
        VisionSpec tower = tower();
        return switch (pixels) {
            case Pixels.MergedPatches patches ->
                new ImagePatches(patches.values(), 1, patches.height(), patches.width());
            case Pixels.Tiles tiles ->
                ImagePatches.ofTiles(tiles.values(), tiles.tileHeight(), tiles.tileWidth(), tower.patches());
            case Pixels.PlacedPatches patches ->
                ImagePatches.ofRows(patches.values(), patches.height(), patches.width(), tower.patches());
        };
    }

    /// Returns what the model's tower reads of values that a processor made elsewhere.
    ///
    /// @throws IllegalArgumentException if the model reads none, or not of this size
    public ImagePatches patches(PixelValues values) {
        return values.patches(tower());
    }

    private VisionSpec tower() {
        requireVision();
        return engine.spec().vision().orElseThrow();
    }

    /// Returns the chat template, if the model has one.
    public Optional<ChatTemplate> chatTemplate() {
        return ChatTemplate.find(directory, Clock.system(ZoneId.systemDefault()));
    }

    /// Waits for the step under way; answers and texts fail from then on with an [IllegalStateException].
    @Override
    public void close() {
        try { // first, so that an answer under way ends as the engine says
            engine.close();
        } finally {
            if (tokenizer != null && unstoppable.isIdle()) { // else it is in use, and stays until the process ends
                tokenizer.close();
            }
        }
    }
}
