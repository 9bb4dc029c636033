package io.moetier.cli;

import java.io.Console;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What the process was started with: the one reader of environment variables and of the launcher's properties.
///
/// `terminals` holds the digits of those of the three standard streams that are terminals, as the launcher saw them.
record Surroundings(Map<String, String> variables, Path home, String terminals) {
    /// Returns those of this process.
    static Surroundings ofProcess() {
        String terminals = System.getProperty("moetier.terminals");
        if (terminals == null) {
            boolean terminal = Optional.ofNullable(System.console())
                    .filter(Console::isTerminal)
                    .isPresent();
            terminals = terminal ? "012" : "";
        }
        return new Surroundings(System.getenv(), Path.of(System.getProperty("user.home")), terminals);
    }

    /// Returns the directory of stores that were imported on first use.
    Path cacheDirectory() {
        String own = variable("MOETIER_CACHE");
        return own != null ? Path.of(own) : base("XDG_CACHE_HOME", ".cache").resolve("moetier");
    }

    /// Returns the library of the CUDA driver where it is not found by its name.
    Optional<Path> cudaLibrary() {
        return Optional.ofNullable(variable("MOETIER_CUDA_LIBRARY")).map(Path::of);
    }

    /// Returns the file of the lines typed at the prompt.
    Path historyFile() {
        return base("XDG_STATE_HOME", ".local/state").resolve("moetier").resolve("history");
    }

    boolean inputIsTerminal() {
        return terminals.contains("0");
    }

    boolean outputIsTerminal() {
        return terminals.contains("1");
    }

    boolean errorIsTerminal() {
        return terminals.contains("2");
    }

    private Path base(String name, String inHome) {
        String value = variable(name);
        // The XDG specification has relative paths ignored.
        return value != null && Path.of(value).isAbsolute() ? Path.of(value) : home.resolve(inHome);
    }

    private @Nullable String variable(String name) {
        String value = variables.get(name);
        return value == null || value.isEmpty() ? null : value;
    }
}
