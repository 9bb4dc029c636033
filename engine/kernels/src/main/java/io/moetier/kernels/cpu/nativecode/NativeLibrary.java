package io.moetier.kernels.cpu.nativecode;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.moetier.storage.platform.Platform;
import io.moetier.storage.platform.PrivateDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// The C kernels of `engine/kernels/src/main/native`, compiled for the best level of instructions that this processor
/// has.
///
/// No instruction is run that the processor lacks, which would end the process with SIGILL: `moetier_level`, compiled
/// for any processor of the platform, asks it (CPUID, and the operating system for the registers of AMX), and only
/// functions of a level that it names are looked up.
public final class NativeLibrary {
    /// What is said where the processor lacks the instructions of every level.
    public static final String NO_LEVEL = "there are none for this processor";

    private static final int DIGEST_DIGITS = 64;

    private final SymbolLookup symbols;
    private final Level level;
    private final String digest;

    private NativeLibrary(SymbolLookup symbols, Level level, String digest) {
        this.symbols = symbols;
        this.level = level;
        this.digest = digest;
    }

    /// A level of instructions, by the name that functions end with.
    private enum Level {
        v3("AVX2"),
        avx512("AVX-512"),
        amx("AVX-512 and AMX", avx512),
        dotprod("Arm dot products");

        private final String label;
        private final Optional<Level> base; // which has what would be the same at this one

        Level(String label) {
            this.label = label;
            base = Optional.empty();
        }

        Level(String label, Level base) {
            this.label = label;
            this.base = Optional.of(base);
        }
    }

    /// Returns where the library of this platform is, if one was built.
    public static Optional<URL> resource() {
        String name = "/META-INF/native/" + Platform.name() + "/" + System.mapLibraryName("moetier");
        return Optional.ofNullable(NativeLibrary.class.getResource(name));
    }

    /// Unpacks and loads a library, which stays loaded.
    ///
    /// @param directory where the unpacked file stays; empty for a temporary directory
    /// @throws IllegalStateException if that is not possible, or none of its levels suits this processor;
    ///     the message is part of a sentence
    static NativeLibrary open(URL resource, Optional<Path> directory) {
        try (PrivateDirectory unpacked =
                directory.isPresent() ? PrivateDirectory.open(keptIn(directory.get())) : PrivateDirectory.temporary()) {
            String digest = sha256(resource);
            return load(unpacked.unpack(resource, digest + "-" + System.mapLibraryName("moetier")), digest);
        } catch (IOException e) {
            throw new IllegalStateException("their library cannot be unpacked: " + e.getMessage(), e);
        }
    }

    /// Returns where below `directory` libraries stay.
    static Path keptIn(Path directory) {
        return directory.resolve("kernels");
    }

    @SuppressWarnings("restricted") // loading native code is the purpose of this class
    private static NativeLibrary load(Path file, String digest) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(file.toAbsolutePath(), Arena.global());
        } catch (IllegalArgumentException
                | IllegalCallerException e) { // damaged, for another system, or not executable
            throw new IllegalStateException("their library cannot be loaded: " + e.getMessage(), e);
        }
        for (Level level : levels(symbols)) {
            if (symbols.find(symbol("multiply", level)).isPresent()) {
                return new NativeLibrary(symbols, level, digest);
            }
        }
        throw new IllegalStateException(NO_LEVEL);
    }

    /// Returns the levels that this processor has, the best first.
    private static List<Level> levels(SymbolLookup symbols) {
        MemorySegment function = symbols.find("moetier_level")
                .orElseThrow(() -> new IllegalStateException("their library has no function moetier_level"));
        return switch (call(function)) {
            case 1 -> List.of(Level.v3);
            case 2 -> List.of(Level.avx512, Level.v3);
            case 3 -> List.of(Level.dotprod);
            case 4 -> List.of(Level.amx, Level.avx512, Level.v3);
            default -> List.of();
        };
    }

    @SuppressWarnings("restricted") // as above
    private static int call(MemorySegment function) {
        MethodHandle level = Linker.nativeLinker().downcallHandle(function, FunctionDescriptor.of(JAVA_INT));
        try {
            return (int) level.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e); // C throws nothing
        }
    }

    /// Returns a function of the chosen level, to be called in the way that [NativeCalls] describes.
    ///
    /// @throws IllegalStateException if there is none of that name
    @SuppressWarnings("restricted") // as above
    MethodHandle link(String name, FunctionDescriptor signature) {
        MemorySegment function = symbols.find(symbol(name, level))
                .or(() -> level.base.flatMap(base -> symbols.find(symbol(name, base))))
                .orElseThrow(() -> new IllegalStateException("their library has no function " + symbol(name, level)));
        return Linker.nativeLinker().downcallHandle(function, signature, Linker.Option.critical(true));
    }

    /// Returns the instructions that are used.
    String instructions() {
        return level.label;
    }

    /// Returns the SHA-256 of the library.
    String digest() {
        return digest;
    }

    private static String symbol(String name, Level level) {
        return "moetier_" + name + "_" + level.name();
    }

    /// Returns the SHA-256 of the library, as the build has written it beside it where it had a program for that: a JVM
    /// that has just started takes a tenth of a second for it.
    private static String sha256(URL resource) throws IOException {
        try (InputStream written = URI.create(resource + ".sha256").toURL().openStream()) {
            String digest = new String(written.readNBytes(DIGEST_DIGITS), StandardCharsets.US_ASCII);
            if (digest.matches("[0-9a-f]{" + DIGEST_DIGITS + "}")) {
                return digest;
            }
        } catch (IOException e) {
            // it was not written
        }
        try (InputStream in = resource.openStream()) {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(in.readAllBytes());
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JVM has it
        }
    }
}
