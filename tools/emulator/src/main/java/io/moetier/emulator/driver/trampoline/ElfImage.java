package io.moetier.emulator.driver.trampoline;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The bytes of a shared library in ELF, each of whose functions jumps to the address in a slot of its own.
///
/// There are two segments: headers, symbols and code, which are read and executed; the dynamic section and
/// the table of slots, which are read and written. Nothing is relocated. The table is a symbol of its own,
/// [#SLOTS], and so is a function that no slot belongs to, [#NOTHING].
final class ElfImage {
    /// The symbol of the table of slots, in the order of the functions' names.
    static final String SLOTS = "moetier_slots";

    /// The symbol of a function that returns 0.
    static final String NOTHING = "moetier_nothing";

    private static final int ELF_HEADER_BYTES = 64;
    private static final int PROGRAM_HEADER_BYTES = 56;
    private static final int PROGRAM_HEADERS = 4;
    private static final int SYMBOL_BYTES = 24;
    /// The largest page that either processor has: a segment must start on one.
    private static final int PAGE_BYTES = 0x10000;
    private static final int GLOBAL_OBJECT = 0x11;
    private static final int GLOBAL_FUNCTION = 0x12;
    private static final int PT_LOAD = 1;
    private static final int PT_DYNAMIC = 2;
    private static final int PT_GNU_STACK = 0x6474e551;
    private static final int READ_EXECUTE = 5;
    private static final int READ_WRITE = 6;
    private static final int DT_HASH = 4;
    private static final int DT_STRTAB = 5;
    private static final int DT_SYMTAB = 6;
    private static final int DT_STRSZ = 10;
    private static final int DT_SYMENT = 11;
    private static final int DT_SONAME = 14;
    private static final int DYNAMIC_BYTES = 7 * 2 * Long.BYTES;

    private final Processor processor;
    private final List<String> symbols;
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final List<Integer> nameOffsets = new ArrayList<>();
    private final int sonameOffset;
    private final int numFunctions;
    private final int numBuckets;
    private final int symbolsAt;
    private final int hashAt;
    private final int stringsAt;
    private final int codeAt;
    private final int codeEnd;
    private final int dynamicAt;
    private final int slotsAt;
    private final ByteBuffer out;

    private ElfImage(String soname, List<String> functions, Processor processor) {
        this.processor = processor;
        numFunctions = functions.size();
        symbols = new ArrayList<>(functions);
        symbols.add(SLOTS);
        symbols.add(NOTHING);
        strings.write(0);
        symbols.forEach(name -> nameOffsets.add(string(name)));
        sonameOffset = string(soname);
        numBuckets = Math.max(1, symbols.size() / 2);
        symbolsAt = aligned(ELF_HEADER_BYTES + PROGRAM_HEADERS * PROGRAM_HEADER_BYTES, Long.BYTES);
        hashAt = symbolsAt + (symbols.size() + 1) * SYMBOL_BYTES;
        stringsAt = hashAt + (2 + numBuckets + symbols.size() + 1) * Integer.BYTES;
        codeAt = aligned(stringsAt + strings.size(), Processor.JUMP_BYTES);
        codeEnd = codeAt + (numFunctions + 1) * Processor.JUMP_BYTES;
        dynamicAt = aligned(codeEnd, PAGE_BYTES);
        slotsAt = dynamicAt + DYNAMIC_BYTES;
        out = ByteBuffer.allocate(slotsAt + numFunctions * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    /// Returns the library.
    ///
    /// @param soname the name that the loader knows it by
    static byte[] of(String soname, List<String> functions, Processor processor) {
        ElfImage image = new ElfImage(soname, functions, processor);
        image.writeHeaders();
        image.writeSymbols();
        image.writeHash();
        image.out.put(image.stringsAt, image.strings.toByteArray());
        for (int i = 0; i < image.numFunctions; i++) {
            processor.jump(image.out, image.jumpAt(i), image.slotsAt + i * Long.BYTES);
        }
        processor.returnZero(image.out, image.jumpAt(image.numFunctions));
        image.writeDynamicSection();
        return image.out.array();
    }

    private int string(String text) {
        int offset = strings.size();
        strings.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        strings.write(0);
        return offset;
    }

    private int jumpAt(int function) {
        return codeAt + function * Processor.JUMP_BYTES;
    }

    private void writeHeaders() {
        out.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
        out.putShort((short) 3).putShort(processor.elfMachine()).putInt(1).putLong(0); // ET_DYN, no entry point
        out.putLong(ELF_HEADER_BYTES).putLong(0).putInt(0); // program headers follow; no section headers
        out.putShort((short) ELF_HEADER_BYTES).putShort((short) PROGRAM_HEADER_BYTES);
        out.putShort((short) PROGRAM_HEADERS).putShort((short) 64).putInt(0);
        writeSegment(PT_LOAD, READ_EXECUTE, 0, codeEnd, PAGE_BYTES);
        writeSegment(PT_LOAD, READ_WRITE, dynamicAt, out.capacity() - dynamicAt, PAGE_BYTES);
        writeSegment(PT_DYNAMIC, READ_WRITE, dynamicAt, DYNAMIC_BYTES, Long.BYTES);
        writeSegment(PT_GNU_STACK, READ_WRITE, 0, 0, 16); // without it the loader makes every stack executable
    }

    private void writeSegment(int type, int flags, long offset, long byteSize, long alignment) {
        out.putInt(type).putInt(flags).putLong(offset).putLong(offset).putLong(offset);
        out.putLong(byteSize).putLong(byteSize).putLong(alignment);
    }

    private void writeSymbols() {
        out.position(symbolsAt + SYMBOL_BYTES); // the first symbol is none
        for (int i = 0; i < numFunctions; i++) {
            writeSymbol(i, GLOBAL_FUNCTION, jumpAt(i), Processor.JUMP_BYTES);
        }
        writeSymbol(numFunctions, GLOBAL_OBJECT, slotsAt, numFunctions * Long.BYTES);
        writeSymbol(numFunctions + 1, GLOBAL_FUNCTION, jumpAt(numFunctions), Processor.JUMP_BYTES);
    }

    private void writeSymbol(int index, int kind, int at, int byteSize) {
        out.putInt(nameOffsets.get(index)).put((byte) kind).put((byte) 0).putShort((short) 1);
        out.putLong(at).putLong(byteSize);
    }

    /// The table by which the loader finds a symbol: buckets of chains.
    private void writeHash() {
        int[] buckets = new int[numBuckets];
        int[] chains = new int[symbols.size() + 1];
        for (int symbol = 1; symbol < chains.length; symbol++) {
            int bucket = Integer.remainderUnsigned(hash(symbols.get(symbol - 1)), numBuckets);
            chains[symbol] = buckets[bucket];
            buckets[bucket] = symbol;
        }
        out.position(hashAt);
        out.putInt(numBuckets).putInt(chains.length);
        out.asIntBuffer().put(buckets).put(chains);
    }

    /// The hash function of the System V ABI.
    private static int hash(String name) {
        int hash = 0;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash << 4) + name.charAt(i);
            int high = hash & 0xf0000000;
            hash = (hash ^ high >>> 24) & ~high;
        }
        return hash;
    }

    private void writeDynamicSection() {
        out.position(dynamicAt);
        writeDynamic(DT_SONAME, sonameOffset);
        writeDynamic(DT_HASH, hashAt);
        writeDynamic(DT_STRTAB, stringsAt);
        writeDynamic(DT_SYMTAB, symbolsAt);
        writeDynamic(DT_STRSZ, strings.size());
        writeDynamic(DT_SYMENT, SYMBOL_BYTES);
        writeDynamic(0, 0);
    }

    private void writeDynamic(long tag, long value) {
        out.putLong(tag).putLong(value);
    }

    private static int aligned(int value, int alignment) {
        return Math.ceilDiv(value, alignment) * alignment;
    }
}
