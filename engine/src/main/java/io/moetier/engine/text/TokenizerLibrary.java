package io.moetier.engine.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Properties;

/// Unpacks the native tokenizer library from its jar and loads it.
///
/// The unpacked file stays, named by version and platform, so that later starts only map it. Nothing is downloaded.
final class TokenizerLibrary {
    private static final String ROOT = "/native/lib/";

    private TokenizerLibrary() {}

    /// Returns `.cache/moetier` in the user's home, or in the directory for temporary files where home is read-only.
    static Path defaultDirectory() {
        Path home = Path.of(System.getProperty("user.home"));
        Path base = Files.isWritable(home) ? home.resolve(".cache") : Path.of(System.getProperty("java.io.tmpdir"));
        return base.resolve("moetier");
    }

    /// Loads the library into this virtual machine, once however often it is called.
    ///
    /// @throws IllegalStateException if there is no library for this platform
    /// @throws UncheckedIOException if it cannot be unpacked
    static void load(Path directory) {
        String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
        Path unpacked = directory.resolve("tokenizers-" + version() + "-" + platform);
        for (String name : fileNames(platform)) {
            loadFile(unpack(ROOT + platform + "/cpu/" + name, unpacked, name));
        }
    }

    /// Returns the name of a platform as the jar spells it, for example `linux-x86_64`.
    static String platform(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String prefix = os.startsWith("windows") ? "win" : os.startsWith("mac") ? "osx" : os;
        String arch = osArch.equals("amd64") ? "x86_64" : osArch.equals("arm64") ? "aarch64" : osArch;
        return prefix + "-" + arch;
    }

    private static List<String> fileNames(String platform) {
        String library = System.mapLibraryName("tokenizers");
        // Windows finds what a library needs only among those loaded before it.
        return platform.startsWith("win")
                ? List.of("libwinpthread-1.dll", "libgcc_s_seh-1.dll", "libstdc++-6.dll", library)
                : List.of(library);
    }

    @SuppressWarnings("restricted") // loading native code is the purpose of this class
    private static void loadFile(Path file) {
        System.load(file.toAbsolutePath().toString());
    }

    private static Path unpack(String resource, Path directory, String name) {
        Path target = directory.resolve(name);
        URL url = TokenizersLibrary.class.getResource(resource);
        if (url == null) {
            throw new IllegalStateException("there is no tokenizer library for this platform: " + resource
                    + " is missing from the jar of the tokenizers");
        }
        try {
            // A file of another length is what a crash left of an older attempt.
            if (!Files.exists(target)
                    || Files.size(target) != url.openConnection().getContentLengthLong()) {
                copy(url, directory, target);
            }
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the tokenizer library to " + target, e);
        }
    }

    /// Writes beside the target and renames, so that another process never loads half a file.
    private static void copy(URL url, Path directory, Path target) throws IOException {
        Files.createDirectories(directory);
        Path partial = Files.createTempFile(directory, "unpacking", ".part");
        try (InputStream in = url.openStream()) {
            Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
            Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static String version() {
        try (InputStream in = TokenizersLibrary.class.getResourceAsStream(ROOT + "tokenizers.properties")) {
            if (in == null) {
                throw new IllegalStateException("the jar of the tokenizers does not name its version");
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", "unknown");
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the version of the tokenizers", e);
        }
    }
}
