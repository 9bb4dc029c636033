package io.moetier.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.moetier.storage.platform.Platform;
import io.moetier.storage.platform.PrivateDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/// Unpacks the native tokenizer library from its jar and loads it.
///
/// The unpacked file stays, named by version and platform, so that later starts only map it. Nothing is downloaded.
final class TokenizerLibrary {
    private static final String ROOT = "/native/lib/";

    /// Static and mutable like what it tells of: native code is loaded into the JVM, not into an object. Guarded by the
    /// lock of this class.
    private static boolean loaded;

    private TokenizerLibrary() {}

    /// Loads the library into this virtual machine, once however often it is called.
    ///
    /// Where `directory` is not this user's alone, or not to be written, the library is unpacked to a temporary
    /// directory each time.
    ///
    /// @throws IllegalStateException if there is no library for this platform
    /// @throws UncheckedIOException if it cannot be unpacked
    static synchronized void load(Path directory) {
        if (!loaded) {
            String platform = Platform.name();
            Map<String, URL> files = files(platform);
            Path kept = directory.resolve("tokenizers-" + version() + "-" + platform);
            try (PrivateDirectory unpacked = PrivateDirectory.open(kept)) {
                for (Map.Entry<String, URL> file : files.entrySet()) {
                    loadFile(unpacked.unpack(file.getValue(), file.getKey()));
                }
            } catch (IOException e) {
                throw new UncheckedIOException("cannot unpack the tokenizer library: " + e.getMessage(), e);
            }
            loaded = true;
        }
    }

    private static Map<String, URL> files(String platform) {
        Map<String, URL> files = new LinkedHashMap<>();
        for (String name : fileNames(platform)) {
            String resource = ROOT + platform + "/cpu/" + name;
            URL url = TokenizersLibrary.class.getResource(resource);
            if (url == null) {
                throw new IllegalStateException("there is no tokenizer library for this platform: " + resource
                        + " is missing from the jar of the tokenizers");
            }
            files.put(name, url);
        }
        return files;
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
