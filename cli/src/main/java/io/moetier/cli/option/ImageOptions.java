package io.moetier.cli.option;

import io.moetier.runtime.chat.ShownText;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.model.vision.ImagePatches;
import io.moetier.runtime.model.vision.PixelValues;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Pictures that a prompt shows, in the order of their marks or image tokens.
@About(Topic.PROMPT)
public final class ImageOptions {
    private static final Path STANDARD_INPUT = Path.of("-");

    @Option(
            names = "--image",
            paramLabel = "FILE",
            description = "Show a picture (PNG, JPEG, WebP, GIF or BMP; - for standard input) before the text, or where"
                    + " it has <image>, or --ids an image token; may be repeated.")
    List<Path> images = List.of();

    @Option(
            names = "--pixel-values",
            paramLabel = "FILE",
            description =
                    "Show what pixel_values of a safetensors file hold, as a processor in Python makes them, where"
                            + " --ids has an image token, in place of --image.")
    @Nullable
    Path pixelValues;

    @Mixin
    TowerOptions tower = new TowerOptions();

    /// Returns the file of the model's tower, if one is named.
    public Optional<Path> tower() {
        return tower.file();
    }

    /// Says whether there is any.
    public boolean isEmpty() {
        return images.isEmpty() && pixelValues == null;
    }

    /// Checks that pictures are given in one way, and what was made of such with token ids.
    ///
    /// @throws IllegalArgumentException if not
    public void requireSense(boolean hasIds) {
        if (!images.isEmpty() && pixelValues != null) {
            throw new IllegalArgumentException("--image and --pixel-values: expected one of them");
        }
        if (pixelValues != null && !hasIds) {
            throw new IllegalArgumentException("--pixel-values needs --ids or --ids-file with image tokens");
        }
    }

    /// Checks that a picture may come from standard input.
    ///
    /// @throws IllegalArgumentException if another one, or the prompt, does
    public void requireStandardInput(boolean isFree) {
        long wanted = images.stream().filter(STANDARD_INPUT::equals).count();
        if (wanted > (isFree ? 1 : 0)) {
            throw new IllegalArgumentException("--image -: standard input holds one picture, and then no prompt");
        }
    }

    /// Pictures, and what was made of such elsewhere.
    public record Shown(List<Picture> pictures, List<PixelValues> values) {
        /// Returns the tokens of a prompt that is no chat, an image token for each row among them, and what is read for
        /// those.
        ///
        /// @throws IllegalArgumentException if there is a text, but no tokenizer, the model reads no images,
        ///     or marks are not as many as pictures
        /// @throws io.moetier.runtime.image.UnreadablePictureException if the size of a picture is refused
        public ShownText in(Prompt prompt, LoadedModel model) {
            return switch (prompt) {
                case Prompt.Text words -> ShownText.of(model, words.text(), pictures);
                case Prompt.Ids given -> {
                    List<ImagePatches> images = patches(model);
                    yield new ShownText(
                            images.isEmpty() ? given.ids() : model.engine().withImageTokens(given.ids(), images),
                            images);
                }
            };
        }

        /// Returns all as the model's tower takes them.
        ///
        /// @throws IllegalArgumentException if the model reads none
        /// @throws io.moetier.runtime.image.UnreadablePictureException if the size of one is refused
        public List<ImagePatches> patches(LoadedModel model) {
            if (!pictures.isEmpty() || !values.isEmpty()) {
                model.requireVision();
            }
            return Stream.concat(
                            values.stream().map(model::patches),
                            pictures.stream().map(model::patches))
                    .toList();
        }
    }

    /// Reads the files, which needs no model.
    ///
    /// @throws io.moetier.runtime.image.UnreadablePictureException if one cannot be read
    /// @throws MalformedModelException if one has no values of an image
    public Shown read(InputStream standardInput) {
        return new Shown(
                images.stream().map(image -> picture(image, standardInput)).toList(),
                Optional.ofNullable(pixelValues).map(ImageOptions::values).stream()
                        .toList());
    }

    private static Picture picture(Path image, InputStream standardInput) {
        try {
            return image.equals(STANDARD_INPUT) ? Picture.read(standardInput, "standard input") : Picture.read(image);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PixelValues values(Path file) {
        if (!Files.exists(file)) {
            throw new UncheckedIOException(new NoSuchFileException(file.toString()));
        }
        return PixelValues.read(file);
    }
}
