package io.moetier.cli.terminal;

import java.io.Console;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What the process was started with: the one reader of environment variables and of the launcher's properties.
///
/// `terminals` holds the digits of those of the three standard streams that are terminals, as the launcher saw them.
public record Surroundings(Map<String, String> variables, Path home, String terminals) {
    private static final List<String> PATHS =
            List.of("HOME", "MOETIER_CACHE", "MOETIER_CUDA_LIBRARY", "XDG_CACHE_HOME", "XDG_STATE_HOME");

    /// Returns those of this process.
    public static Surroundings ofProcess() {
        String terminals = System.getProperty("moetier.terminals");
        if (terminals == null) {
            boolean terminal = Optional.ofNullable(System.console())
                    .filter(Console::isTerminal)
                    .isPresent();
            terminals = terminal ? "012" : "";
        }
        return new Surroundings(System.getenv(), home(System.getenv("HOME")), terminals);
    }

    /// Returns the home folder: what the variable says, as for every other program, else what the system knows.
    private static Path home(@Nullable String variable) {
        return variable != null && variable.startsWith("/")
                ? Path.of(variable)
                : Path.of(System.getProperty("user.home"));
    }

    /// Returns the names of files that come from the system and not from the command line.
    public List<String> paths() {
        return Stream.concat(
                        PATHS.stream().flatMap(name -> Stream.ofNullable(variable(name))),
                        Stream.of(System.getProperty("user.dir")))
                .toList();
    }

    /// Returns the directory of stores that were imported on first use.
    ///
    /// @throws IllegalArgumentException if there is no place for it
    public Path cacheDirectory() {
        return knownCacheDirectory().orElseThrow(Surroundings::noHome);
    }

    /// Returns the same; nothing if there is no place for it.
    public Optional<Path> knownCacheDirectory() {
        String own = variable("MOETIER_CACHE");
        return own != null
                ? Optional.of(Path.of(own))
                : base("XDG_CACHE_HOME", ".cache").map(base -> base.resolve("moetier"));
    }

    /// Returns the library of the CUDA driver where it is not found by its name.
    public Optional<Path> cudaLibrary() {
        return Optional.ofNullable(variable("MOETIER_CUDA_LIBRARY")).map(Path::of);
    }

    /// Returns the file of the lines typed at the prompt.
    ///
    /// @throws IllegalArgumentException if there is no place for it
    public Path historyFile() {
        return stateDirectory().resolve("history");
    }

    /// Returns the folder of the secrets of clusters that were given no other.
    ///
    /// @throws IllegalArgumentException if there is no place for it
    public Path secretsDirectory() {
        return stateDirectory().resolve("clusters");
    }

    private Path stateDirectory() {
        return base("XDG_STATE_HOME", ".local/state")
                .orElseThrow(Surroundings::noHome)
                .resolve("moetier");
    }

    public boolean inputIsTerminal() {
        return terminals.contains("0");
    }

    public boolean outputIsTerminal() {
        return terminals.contains("1");
    }

    public boolean errorIsTerminal() {
        return terminals.contains("2");
    }

    Optional<Path> base(String name, String inHome) {
        String value = variable(name);
        // The XDG specification has relative paths ignored.
        return value != null && Path.of(value).isAbsolute()
                ? Optional.of(Path.of(value))
                : Optional.of(home).filter(Path::isAbsolute).map(folder -> folder.resolve(inHome));
    }

    private static IllegalArgumentException noHome() {
        return new IllegalArgumentException(
                "this user has no home folder to keep the cache in: set HOME, or MOETIER_CACHE to a folder");
    }

    @Nullable
    String variable(String name) {
        String value = variables.get(name);
        return value == null || value.isEmpty() ? null : value;
    }
}
