package io.moetier.kernels.cuda.driver;

import io.moetier.storage.platform.Platform;
import io.moetier.storage.platform.PrivateDirectory;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Optional;
import org.lwjgl.system.Configuration;

/// LWJGL's own native library, which calls functions by their addresses.
///
/// LWJGL would unpack it to a directory of which anybody can guess the name; here it comes from a private
/// one.
final class LwjglLibrary {
    private static final String VERSION = "3.3.6";

    private LwjglLibrary() {}

    /// Unpacks the library and tells LWJGL where it is.
    ///
    /// @param directory where it stays; empty for a temporary directory that goes when the JVM ends
    /// @throws IOException if it cannot be unpacked, or is not there for this platform
    static void unpack(Optional<Path> directory) throws IOException {
        URL resource = resource();
        PrivateDirectory unpacked = directory.isPresent()
                ? PrivateDirectory.open(directory.get().resolve("lwjgl"))
                : PrivateDirectory.temporary();
        Path library = unpacked.unpack(resource, "lwjgl-" + VERSION + "-" + Platform.name() + ".so");
        unpacked.closeAtExit();
        Configuration.LIBRARY_NAME.set(library.toAbsolutePath().toString());
    }

    private static URL resource() throws IOException {
        String folder = switch (Platform.name()) {
            case "linux-x86_64" -> "/linux/x64";
            case "linux-aarch64" -> "/linux/arm64";
            default -> throw new IOException("LWJGL is not there for " + Platform.name());
        };
        URL resource = Configuration.class.getResource(folder + "/org/lwjgl/liblwjgl.so");
        if (resource == null) {
            throw new IOException("LWJGL's library for " + Platform.name() + " is missing from the class path");
        }
        return resource;
    }
}
