package io.moetier.emulator.ptx.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.emulator.memory.FaultKind;
import io.moetier.emulator.memory.FreshMemory;
import io.moetier.emulator.ptx.text.PtxException;
import org.junit.jupiter.api.Test;

/// What a kernel must not do, each beside a control that differs as little as possible and is clean.
class FaultTest {
    private static KernelFault fault(String body, int threads, int n) {
        try (Script script = new Script(body)) {
            return assertThrows(KernelFault.class, () -> script.run(threads, n));
        }
    }

    private static void says(KernelFault fault, FaultKind kind, int line, String... parts) {
        assertEquals(kind, fault.kind(), fault.reason());
        assertEquals(Script.FIRST_LINE + line, fault.line(), fault.reason());
        for (String part : parts) {
            assertTrue(fault.reason().contains(part), fault.reason());
        }
    }

    @Test
    void writesPastTheEnd() {
        String body = """
                setp.ge.s32 %p0, %r1, %r0;
                @%p0 ret;
                st.global.u32 [%d1+3840], %r1;""";
        assertEquals(63, Script.results(body, 64, 64)[960 + 63]);
        says(
                fault(body, 96, 65),
                FaultKind.ILLEGAL_ADDRESS,
                2,
                "kernel k, block (0,0,0), thread (64,0,0), PTX line",
                "st.global.u32 [%d1+3840], %r1;",
                "write of 4 bytes",
                "4 bytes past the end of an allocation of 4096 bytes");
    }

    @Test
    void readsWhatIsNoAddress() {
        String body = "cvt.u64.u32 %d2, %r0; ld.global.u32 %r2, [%d2]; st.global.u32 [%d1], %r2;";
        says(fault(body, 32, 4096), FaultKind.ILLEGAL_ADDRESS, 0, "read of 4 bytes", "no device memory");
    }

    @Test
    void usesFreedMemory() {
        try (Script script = new Script("st.global.u32 [%d1], %r1;")) {
            long other = script.memory.allocate(4096);
            script.launchAt(other, 1, 32, 0, LaunchOptions.DEFAULT);
            script.memory.free(other);
            KernelFault fault =
                    assertThrows(KernelFault.class, () -> script.launchAt(other, 1, 32, 0, LaunchOptions.DEFAULT));
            says(fault, FaultKind.ILLEGAL_ADDRESS, 0, "use after free of an allocation of 4096 bytes");
        }
    }

    @Test
    void usesMisalignedAddresses() {
        String body = "cvt.u64.u32 %d2, %r0;\nadd.s64 %d3, %d0, %d2;\nst.global.v2.u32 [%d3], {%r1, %r1};";
        assertEquals(31, Script.results(body, 32, 8)[2]);
        says(fault(body, 32, 4), FaultKind.MISALIGNED_ADDRESS, 2, "write of 8 bytes", "no multiple of 8");
    }

    @Test
    void readsWhatNobodyWrote() {
        String body = "ld.global.u32 %r2, [%d1]; st.global.u32 [%d1], %r2;";
        try (Script script = new Script(body)) {
            long other = script.memory.allocate(256);
            script.memory.fill(other, 1, 4, 63);
            script.launchAt(other, 1, 63, 0, LaunchOptions.DEFAULT);
            KernelFault fault =
                    assertThrows(KernelFault.class, () -> script.launchAt(other, 1, 64, 0, LaunchOptions.DEFAULT));
            says(fault, FaultKind.UNINITIALISED_READ, 0, "thread (63,0,0)", "never written");
        }
        try (Script script = new Script(body, FreshMemory.POISONED)) {
            script.launchAt(script.memory.allocate(256), 1, 64, 0, LaunchOptions.DEFAULT);
        }
    }

    @Test
    void readsSharedMemoryThatNobodyWrote() {
        String body = """
                .shared .align 4 .b8 s[256];
                mov.u32 %r2, s; mad.lo.s32 %r3, %r1, 4, %r2;
                setp.lt.u32 %p0, %r1, %r0;
                @%p0 st.shared.u32 [%r3], %r1;
                ld.shared.u32 %r4, [%r3];
                st.global.u32 [%d1], %r4;""";
        assertEquals(31, Script.results(body, 32, 32)[31]);
        says(fault(body, 32, 31), FaultKind.UNINITIALISED_READ, 4, "thread (31,0,0)", "shared memory");
    }

    @Test
    void runsOverTheEndOfSharedMemory() {
        String body = "mov.u32 %r2, dynamic;\nmad.lo.s32 %r3, %r1, 4, %r2;\nst.shared.u32 [%r3], %r1;";
        Script.results(body, 64, 0);
        says(
                fault(body, 65, 0),
                FaultKind.ILLEGAL_ADDRESS,
                2,
                "write of 4 bytes at 256 of 256 bytes of shared memory, 4 bytes past the end");
    }

    @Test
    void runsOverTheEndOfLocalMemory() {
        String body = ".local .align 4 .b8 l[16];\nmul.lo.s32 %r2, %r0, 4;\nst.local.u32 [%r2], %r1;";
        Script.results(body, 32, 3);
        says(fault(body, 32, 4), FaultKind.ILLEGAL_ADDRESS, 2, "local memory");
    }

    @Test
    void shufflesInDivergentCode() {
        String body = """
                setp.ge.u32 %p0, %r1, %r0;
                @%p0 bra OUT;
                shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;
                OUT: st.global.u32 [%d1], %r2;""";
        assertEquals(1, Script.results(body, 32, 32)[0]);
        says(fault(body, 32, 20), FaultKind.LAUNCH_FAILED, 2, "waits for lanes 20 to 31, which have ended without it");
    }

    @Test
    void shufflesFromALaneThatTakesNoPart() {
        String body = "shfl.sync.idx.b32 %r2, %r1, %r0, 31, -1;\nst.global.u32 [%d1], %r2;";
        assertEquals(15, Script.results(body, 16, 15)[3]);
        says(fault(body, 16, 16), FaultKind.LAUNCH_FAILED, 0, "lane 16, which does not take part");
    }

    @Test
    void isNotInItsOwnMemberMask() {
        String body = "vote.sync.ballot.b32 %r2, 1, %r0;";
        String real = "setp.eq.u32 %p0, 0, 0;\nvote.sync.ballot.b32 %r2, %p0, %r0;\nst.global.u32 [%d1], %r2;";
        assertEquals(-1, Script.results(real, 32, -1)[5]);
        says(fault(real, 32, 0xff), FaultKind.LAUNCH_FAILED, 1, "not in its own member mask");
        assertThrows(PtxException.class, () -> Script.results(body, 32, 0));
    }

    @Test
    void waitsAtABarrierInDivergentCode() {
        String body = """
                setp.lt.u32 %p0, %r1, %r0;
                @%p0 bra LOW;
                bar.sync 0;
                bra.uni OUT;
                LOW: bar.sync 0;
                OUT: st.global.u32 [%d1], %r1;""";
        assertEquals(63, Script.results(body, 64, 32)[63]);
        says(fault(body, 64, 16), FaultKind.LAUNCH_FAILED, 2, "divergent");
    }

    @Test
    void waitsAtABarrierThatNobodyElseComesTo() {
        String body = """
                setp.lt.u32 %p0, %r1, %r0;
                @%p0 bra LOW;
                bar.sync 1;
                bra.uni OUT;
                LOW: bar.sync 2;
                OUT: ret;""";
        Script.results(body, 64, 64);
        says(fault(body, 64, 32), FaultKind.LAUNCH_FAILED, 4, "deadlock");
    }

    @Test
    void neverEnds() {
        String body = "L: add.s32 %r2, %r2, 1;\nsetp.ne.s32 %p0, %r0, 0;\n@%p0 bra L;";
        LaunchOptions options = new LaunchOptions(false, 0, false, 1000, 0);
        try (Script script = new Script(body)) {
            script.launch(1, 32, 0, options);
            KernelFault fault = assertThrows(KernelFault.class, () -> script.launch(1, 32, 1, options));
            says(fault, FaultKind.TIMEOUT, 2, "more than 1000 instructions");
        }
    }

    @Test
    void traps() {
        String body = "setp.eq.s32 %p0, %r1, %r0;\n@%p0 trap;";
        Script.results(body, 32, 32);
        says(fault(body, 32, 7), FaultKind.LAUNCH_FAILED, 1, "thread (7,0,0)", "trap");
    }

    @Test
    void wantsMoreThreadsThanTheKernelTakes() {
        try (Script script = new Script("")) {
            var fault = assertThrows(
                    io.moetier.emulator.memory.DeviceFault.class,
                    () -> script.launch(1, 1025, 0, LaunchOptions.DEFAULT));
            assertEquals(FaultKind.OUT_OF_RESOURCES, fault.kind());
        }
    }
}
