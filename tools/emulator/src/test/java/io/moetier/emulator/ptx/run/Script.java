package io.moetier.emulator.ptx.run;

import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.code.Op;
import io.moetier.emulator.ptx.module.PtxModule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// A device with one kernel written as the body of `.entry k(.param .u64 out, .param .u32 n)`, for tests.
///
/// Declared for the body: `%r0`… (32 bits), `%d0`… (64 bits), `%f0`…, `%h0`… (16 bits), `%p0`…; `%d0` is `out`, `%r0`
/// is `n`, `%r1` the thread and `%d1` the address of the thread's own int in `out`.
public final class Script implements AutoCloseable {
    static final int INTS = 1024;
    private static final String HEAD = """
            .version 8.0
            .target sm_90
            .address_size 64
            .extern .shared .align 16 .b8 dynamic[];
            .global .align 4 .u32 answer = 42;
            .const .align 4 .b8 table[8] = {1, 0, 0, 0, 254, 255, 255, 255};
            .visible .entry k(.param .u64 out, .param .u32 n)
            {
            .reg .b32 %r<64>;
            .reg .b64 %d<32>;
            .reg .f32 %f<16>;
            .reg .b16 %h<16>;
            .reg .pred %p<16>;
            ld.param.u64 %d0, [out];
            ld.param.u32 %r0, [n];
            mov.u32 %r1, %tid.x;
            mad.wide.u32 %d1, %r1, 4, %d0;
            """;

    /// The line of the text that the body's first line is.
    static final int FIRST_LINE = (int) HEAD.lines().count() + 1;

    final DeviceMemory memory;
    final long out;
    private final PtxModule module;
    private final LoadedModule loaded;

    public Script(String body, FreshMemory fresh) {
        memory = new DeviceMemory(1 << 20, fresh);
        module = PtxModule.parse(HEAD + body + "\nret;\n}\n");
        loaded = new LoadedModule(module, memory);
        out = memory.allocate(4L * INTS);
        memory.fill(out, 0, 4, INTS);
    }

    public Script(String body) {
        this(body, FreshMemory.FAULTS);
    }

    /// Runs one block and returns what is in `out`.
    public int[] run(int threads, int n) {
        launch(1, threads, n, LaunchOptions.DEFAULT);
        return ints();
    }

    LaunchCounts launch(int blocks, int threads, int n, LaunchOptions options) {
        return launchAt(out, blocks, threads, n, options);
    }

    LaunchCounts launchAt(long address, int blocks, int threads, int n, LaunchOptions options) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = arena.allocate(16);
            parameters.set(ValueLayout.JAVA_LONG, 0, address);
            parameters.set(ValueLayout.JAVA_INT, 8, n);
            Launch launch = new Launch(Extent.of(blocks), Extent.of(threads), 256, parameters);
            return loaded.launch(module.kernel("k").orElseThrow(), launch, options);
        }
    }

    List<Op> ops() {
        return module.kernel("k").orElseThrow().program().ops();
    }

    int[] ints() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * INTS);
            memory.read(out, host);
            return host.toArray(ValueLayout.JAVA_INT);
        }
    }

    public LoadedModule loaded() {
        return loaded;
    }

    @Override
    public void close() {
        loaded.close();
        memory.close();
    }

    public static int[] results(String body, int threads, int n) {
        try (Script script = new Script(body)) {
            return script.run(threads, n);
        }
    }
}
