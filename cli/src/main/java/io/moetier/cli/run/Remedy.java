package io.moetier.cli.run;

import io.moetier.cli.models.ImportCommand;
import io.moetier.cli.option.OptionFlags;
import io.moetier.cli.terminal.Failure;
import io.moetier.runtime.library.LoadedModel;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.expert.StoreManifest.StoreFile;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/// What is said of a failure: which flag or which file of the user's it is about, and what helps.
///
/// A store in the cache holds copies of the small files of a checkpoint. Where a copy is whole, what is wrong with it
/// is wrong with the user's own file, and making the store again would not help.
public final class Remedy {
    private static final Pattern NOT_WRITTEN =
            Pattern.compile("No space left on device|Disk quota exceeded|Read-only file system");
    private static final Pattern COPIED = Pattern.compile("[\\w.-]+[.](json|jinja)");

    private final Optional<Path> cacheDirectory;

    /// @param cacheDirectory where the cache is, if that is known
    public Remedy(Optional<Path> cacheDirectory) {
        this.cacheDirectory = cacheDirectory;
    }

    /// Returns the sentence of `cause` that helps most.
    public String sentence(Throwable cause) {
        if (cause instanceof InvalidOptionException e) {
            return OptionFlags.sentence(e);
        }
        String sentence = Failure.of(cause).sentence();
        if (sentence.endsWith(LoadedModel.NO_TOKENIZER)) {
            return sentence + "; run, logits and explain take token ids with --ids";
        }
        if (sentence.endsWith(LoadedModel.NO_MMPROJ)) {
            return sentence.substring(0, sentence.length() - LoadedModel.NO_MMPROJ.length())
                    + "; --mmproj names the file of one";
        }
        if (sentence.contains(IoFailure.TOO_MANY_FILES)) {
            return sentence + "; a higher limit (ulimit -n) helps";
        }
        if (cause instanceof OutOfMemoryError && sentence.startsWith(Failure.NO_THREAD)) {
            return sentence + "; a higher limit of threads and processes (ulimit -u, or a container's) helps";
        }
        return cacheDirectory
                .map(cache ->
                        cause instanceof MalformedModelException ? ofStore(sentence, cache) : ofDisk(sentence, cache))
                .orElse(sentence);
    }

    private static String ofDisk(String sentence, Path cache) {
        return NOT_WRITTEN.matcher(sentence).find() && sentence.contains(cache.toString())
                ? sentence + "; MOETIER_CACHE names another folder for the cache"
                : sentence;
    }

    private static String ofStore(String sentence, Path cache) {
        Matcher store = Pattern.compile(Pattern.quote(cache + "/") + "[^/]+/[^/]+" + Pattern.quote(Stores.SUFFIX))
                .matcher(sentence);
        if (!store.lookingAt()) {
            return sentence;
        }
        Path directory = Path.of(store.group());
        try {
            StoreManifest manifest = StoreManifest.read(directory);
            return manifest.description()
                    .optionalString("source")
                    .map(source -> ofSource(sentence, manifest, directory, source))
                    .orElse(sentence);
        } catch (MalformedModelException e) {
            return sentence; // the next run of the checkpoint will import it again
        }
    }

    private static String ofSource(String sentence, StoreManifest manifest, Path store, String source) {
        String rest = sentence.substring(store.toString().length());
        Matcher copied = COPIED.matcher(rest);
        if (copied.find(1) && copied.start() == 1 && isWhole(manifest, store, copied.group())) {
            return own(Path.of(source), copied.group()) + rest.substring(copied.end());
        }
        Optional<String> tower = manifest.description().optionalString("tower");
        return sentence + "; run `" + ImportCommand.line(source, tower, store) + "` to make it again";
    }

    private static boolean isWhole(StoreManifest manifest, Path store, String name) {
        Optional<StoreFile> file = manifest.file(name);
        try {
            return file.isPresent()
                    && checksum(store.resolve(name)) == file.get().crc32c();
        } catch (IOException e) {
            return false;
        }
    }

    private static int checksum(Path file) throws IOException {
        CRC32C crc = new CRC32C();
        crc.update(Files.readAllBytes(file));
        return (int) crc.getValue();
    }

    /// Returns the user's own file; what was made of another, as of a GGUF file, is named behind that.
    private static String own(Path source, String name) {
        Path own = Files.isDirectory(source) ? source.resolve(name) : source.resolveSibling(name);
        return Files.exists(own) ? own.toString() : source + ": " + name;
    }
}
