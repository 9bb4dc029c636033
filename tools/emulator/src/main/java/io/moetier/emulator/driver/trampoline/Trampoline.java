package io.moetier.emulator.driver.trampoline;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.moetier.storage.platform.Platform;
import io.moetier.storage.platform.PrivateDirectory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A loaded library whose functions call Java.
///
/// Every argument is declared as 64 bits wide, whatever it is in C: the calling conventions of both
/// processors pass an integer or a pointer in a register, or a stack slot, of its own, and only leave the
/// upper half of what is narrower undefined. What a function does not take is undefined as well, and
/// harmless to read: registers are there anyway. So a signature or two serve all functions, which matters,
/// since each costs the JVM tens of milliseconds. Functions with floating-point arguments cannot be had
/// this way.
public final class Trampoline {
    /// How many arguments both processors pass in registers.
    private static final int REGISTERS = 6;

    private static final MethodHandle CALL = call();

    private final Path file;
    private final List<Export> exports;
    private final MemorySegment slots;
    private final MemorySegment nothing;
    private final MemorySegment[] stubs;

    @SuppressWarnings("restricted") // the library is the one written above, the signatures are its own
    private Trampoline(Path file, List<Export> exports, Target target) {
        this.file = file;
        this.exports = exports;
        SymbolLookup symbols = SymbolLookup.libraryLookup(file, Arena.global());
        slots = symbols.find(ElfImage.SLOTS).orElseThrow().reinterpret(exports.size() * ADDRESS.byteSize());
        nothing = symbols.find(ElfImage.NOTHING).orElseThrow();
        stubs = stubs(exports, target);
        speak();
    }

    /// A function of the library.
    ///
    /// @param arity how many integers and pointers it takes
    public record Export(String name, int arity) {}

    /// What the functions call.
    public interface Target {
        /// Returns the result of a function. Nothing may be thrown: what leaves an upcall ends the process.
        ///
        /// @param function its index among the exports
        /// @param arguments at least as many as the function takes; the upper halves of 32-bit ones
        ///     are undefined
        int call(int function, long[] arguments);
    }

    /// Writes a library to a private directory that goes when the JVM ends, loads it, and connects its
    /// functions.
    ///
    /// @param soname the name that the loader knows the library by
    /// @throws IllegalStateException if this platform is none that libraries can be written for
    /// @throws IOException if the file cannot be written
    public static Trampoline load(String soname, List<Export> exports, Target target) throws IOException {
        Processor processor = Processor.of(Platform.name())
                .orElseThrow(() -> new IllegalStateException("no library can be written for " + Platform.name()));
        List<String> names = exports.stream().map(Export::name).toList();
        PrivateDirectory directory = PrivateDirectory.temporary();
        Path file;
        try {
            file = directory.write(ElfImage.of(soname, names, processor), soname);
        } catch (IOException e) {
            directory.close();
            throw e;
        }
        directory.closeAtExit();
        return new Trampoline(file, exports, target);
    }

    /// Silences functions, which then do nothing but return 0, without a way through Java, until [#speak()].
    ///
    /// @throws IllegalArgumentException if the library has no such function
    public void silence(Set<String> names) {
        Set<String> left = new HashSet<>(names);
        for (int i = 0; i < exports.size(); i++) {
            if (left.remove(exports.get(i).name())) {
                slots.setAtIndex(ADDRESS, i, nothing);
            }
        }
        if (!left.isEmpty()) {
            throw new IllegalArgumentException("the library does not have " + left);
        }
    }

    /// Makes all functions call Java.
    public void speak() {
        for (int i = 0; i < stubs.length; i++) {
            slots.setAtIndex(ADDRESS, i, stubs[i]);
        }
    }

    /// Returns where the library is.
    public Path file() {
        return file;
    }

    @SuppressWarnings("restricted") // the signatures are those of the functions, see above
    private static MemorySegment[] stubs(List<Export> exports, Target target) {
        Linker linker = Linker.nativeLinker();
        MemorySegment[] stubs = new MemorySegment[exports.size()];
        for (int i = 0; i < stubs.length; i++) {
            int arity = Math.max(REGISTERS, exports.get(i).arity());
            MethodHandle handle =
                    MethodHandles.insertArguments(CALL, 0, target, i).asCollector(long[].class, arity);
            MemoryLayout[] arguments = Collections.nCopies(arity, JAVA_LONG).toArray(MemoryLayout[]::new);
            stubs[i] = linker.upcallStub(handle, FunctionDescriptor.of(JAVA_INT, arguments), Arena.global());
        }
        return stubs;
    }

    private static MethodHandle call() {
        try {
            return MethodHandles.lookup()
                    .findVirtual(Target.class, "call", MethodType.methodType(int.class, int.class, long[].class));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("Target.call", e);
        }
    }
}
