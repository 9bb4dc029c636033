package io.moetier.runtime.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/// Counts the cores that can compute at once; a second hardware thread of a core adds nothing to a memory-bound loop.
public final class PhysicalCores {
    private static final Path CPUS = Path.of("/sys/devices/system/cpu");
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String ALLOWED = "Cpus_allowed_list:";

    private static final int THREADS_PER_PROCESSOR = 4; // beyond it they only wait for each other

    private PhysicalCores() {}

    /// Returns how many threads may compute at most: four for each processor.
    public static int mostThreads() {
        return THREADS_PER_PROCESSOR * Runtime.getRuntime().availableProcessors();
    }

    /// Returns that limit as messages say what was expected.
    public static String limit() {
        return "at most " + mostThreads() + ", " + THREADS_PER_PROCESSOR + " for each processor";
    }

    /// Returns how many threads compute: `asked`, or one per physical core if that is 0.
    public static int threads(int asked) {
        return asked == 0 ? count() : asked;
    }

    /// Returns the physical cores of which this process may use a hardware thread, at most the processors that the JVM
    /// may use.
    public static int count() {
        return count(CPUS, STATUS, Runtime.getRuntime().availableProcessors());
    }

    /// @param cpus a folder for each processor
    /// @param status what the kernel says of this process
    static int count(Path cpus, Path status, int processors) {
        Set<String> siblings = new HashSet<>();
        try (var folders = Files.newDirectoryStream(cpus, "cpu[0-9]*")) {
            BitSet allowed = allowed(status);
            for (Path cpu : folders) {
                Path list = cpu.resolve("topology/thread_siblings_list");
                int number = Integer.parseInt(cpu.getFileName().toString().substring("cpu".length()));
                if ((allowed.isEmpty() || allowed.get(number)) && Files.isReadable(list)) {
                    siblings.add(Files.readString(list));
                }
            }
        } catch (IOException | NumberFormatException e) {
            return processors; // not Linux, or the file system is hidden
        }
        return siblings.isEmpty() ? processors : Math.min(processors, siblings.size());
    }

    /// Returns the processors that this process is bound to, by the kernel's list, as `0-1,8`; none if that is not
    /// told.
    private static BitSet allowed(Path status) throws IOException {
        BitSet allowed = new BitSet();
        if (Files.isReadable(status)) {
            for (String line : Files.readAllLines(status, ISO_8859_1)) { // names may be no text
                if (line.startsWith(ALLOWED)) {
                    for (String range : line.substring(ALLOWED.length()).strip().split(",", -1)) {
                        int dash = range.indexOf('-');
                        int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
                        allowed.set(first, 1 + (dash < 0 ? first : Integer.parseInt(range.substring(dash + 1))));
                    }
                }
            }
        }
        return allowed;
    }
}
