package io.moetier.storage.platform;

import java.nio.file.Path;
import java.util.Locale;

/// The names of platforms, as folders of native libraries have them, and where they keep temporary files.
public final class Platform {
    private Platform() {}

    /// Returns the name of the platform of this process, for example `linux-x86_64`.
    public static String name() {
        return name(System.getProperty("os.name"), System.getProperty("os.arch"));
    }

    /// Says whether calls of C have the flags and numbers of Linux.
    public static boolean isLinux() {
        return name().startsWith("linux-");
    }

    /// Returns the directory for what nobody needs for long.
    public static Path temporaryFiles() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    /// Returns the name of the platform that the JVM's properties `os.name` and `os.arch` describe.
    static String name(String osName, String osArch) {
        String os = osName.toLowerCase(Locale.ROOT);
        String system = os.startsWith("windows") ? "win" : os.startsWith("mac") ? "osx" : os;
        String processor = osArch.equals("amd64") ? "x86_64" : osArch.equals("arm64") ? "aarch64" : osArch;
        return system + "-" + processor;
    }
}
