package io.moetier.emulator.driver.trampoline;

import java.nio.ByteBuffer;
import java.util.Optional;

/// A processor that a library can be written for: its number in ELF, and its indirect jump.
enum Processor {
    /// `jmp *slot(%rip)`
    X86_64(62, "linux-x86_64") {
        @Override
        void jump(ByteBuffer out, int from, int slot) {
            out.position(from);
            out.put((byte) 0xff).put((byte) 0x25).putInt(slot - (from + 6));
        }

        // xor %eax,%eax; ret
        @Override
        void returnZero(ByteBuffer out, int from) {
            out.position(from);
            out.put((byte) 0x31).put((byte) 0xc0).put((byte) 0xc3);
        }
    },
    /// `adrp x16, slot; ldr x16, [x16, :lo12:slot]; br x16`, which leaves every register of a call alone
    AARCH64(183, "linux-aarch64") {
        @Override
        void jump(ByteBuffer out, int from, int slot) {
            int pages = (slot >> 12) - (from >> 12);
            out.position(from);
            out.putInt(0x90000010 | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5));
            out.putInt(0xf9400210 | (((slot & 0xfff) / Long.BYTES) << 10));
            out.putInt(0xd61f0200);
        }

        // mov w0, #0; ret
        @Override
        void returnZero(ByteBuffer out, int from) {
            out.position(from);
            out.putInt(0x52800000).putInt(0xd65f03c0);
        }
    };

    /// What each jump may take.
    static final int JUMP_BYTES = 16;

    private final int elfMachine;
    private final String platform;

    Processor(int elfMachine, String platform) {
        this.elfMachine = elfMachine;
        this.platform = platform;
    }

    /// Returns the processor of a platform, if libraries can be written for it.
    ///
    /// @param platform as [io.moetier.storage.platform.Platform] names it
    static Optional<Processor> of(String platform) {
        for (Processor processor : values()) {
            if (processor.platform.equals(platform)) {
                return Optional.of(processor);
            }
        }
        return Optional.empty();
    }

    short elfMachine() {
        return (short) elfMachine;
    }

    /// Writes code that jumps to where a slot points to; both are offsets into the image.
    abstract void jump(ByteBuffer out, int from, int slot);

    /// Writes code that returns 0 at once, at an offset into the image.
    abstract void returnZero(ByteBuffer out, int from);
}
