package io.moetier.cli.hostile;

import static io.moetier.cli.hostile.GgufBytes.ARRAY;
import static io.moetier.cli.hostile.GgufBytes.F32;
import static io.moetier.cli.hostile.GgufBytes.FIELDS_AT;
import static io.moetier.cli.hostile.GgufBytes.I32;
import static io.moetier.cli.hostile.GgufBytes.NUM_TENSORS_AT;
import static io.moetier.cli.hostile.GgufBytes.NUM_VALUES_AT;
import static io.moetier.cli.hostile.GgufBytes.STRING;
import static io.moetier.cli.hostile.GgufBytes.U32;
import static io.moetier.cli.hostile.GgufBytes.float32;
import static io.moetier.cli.hostile.GgufBytes.int32;
import static io.moetier.cli.hostile.GgufBytes.int64;
import static io.moetier.cli.hostile.GgufBytes.join;
import static io.moetier.cli.hostile.GgufBytes.string;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/// GGUF files: every field of the header wrong in turn, truncated at every part, bits flipped.
final class GgufInputs {
    private static final int NESTED = 200_000;
    private static final int FLIPPED_FILES = 40;
    private static final int SEED = 5;

    private final InputFolder folder;
    private final GgufBytes sound = new GgufBytes(Map.of());

    private GgufInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        GgufInputs inputs = new GgufInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        add("sound", sound.bytes());
        counts();
        sound.fields().forEach(this::values);
        tensors();
        insertions();
        ends();
        flipped();
    }

    private void counts() {
        add("magic", sound.with(0, "XXXX".getBytes(StandardCharsets.US_ASCII)));
        for (int version : new int[] {0, 1, 99, 3 << 24}) {
            add("version-" + version, sound.with(4, int32(version)));
        }
        for (long count :
                new long[] {0, 1, 1L << 62, -1, 1L << 31, sound.tensors().size() + 1}) {
            add("tensors-" + count, sound.with(NUM_TENSORS_AT, int64(count)));
        }
        for (long count :
                new long[] {0, 1, 1L << 62, -1, 1L << 31, sound.fields().size() + 1}) {
            add("values-" + count, sound.with(NUM_VALUES_AT, int64(count)));
        }
        for (long length : new long[] {0, 1L << 60, -1, Integer.MAX_VALUE}) {
            add("key-of-" + length, sound.with(FIELDS_AT, int64(length)));
        }
    }

    private void values(GgufBytes.Field field) {
        String key = field.key();
        add(key + "-type-99", sound.with(field.typeAt(), int32(99)));
        switch (field.type()) {
            case U32 -> {
                for (int value : new int[] {0, -1, Integer.MAX_VALUE, 1 << 30}) {
                    add(key + "-" + value, sound.with(field.valueAt(), int32(value)));
                }
            }
            case F32 -> {
                for (float value : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE}) {
                    add(key + "-" + value, sound.with(field.valueAt(), float32(value)));
                }
            }
            case ARRAY -> {
                add(key + "-of-99", sound.with(field.valueAt(), int32(99)));
                add(key + "-long", sound.with(field.valueAt() + 4, int64(1L << 60)));
                add(key + "-short", sound.with(field.valueAt() + 4, int64(3)));
            }
            default -> add(key + "-long", sound.with(field.valueAt(), int64(1L << 40)));
        }
    }

    private void tensors() {
        GgufBytes.Tensor tensor = sound.tensors().get(3);
        for (int rank : new int[] {0, 99, -1}) {
            add("rank-" + rank, sound.with(tensor.rankAt(), int32(rank)));
        }
        for (long dimension : new long[] {0, 1L << 62, -256, 1L << 32}) {
            add("dimension-" + dimension, sound.with(tensor.shapeAt(), int64(dimension)));
        }
        for (int type : new int[] {99, -1, 1, 8, 20, 39}) {
            add("type-" + type, sound.with(tensor.typeAt(), int32(type)));
        }
        for (long offset : new long[] {1L << 62, -32, 0, 1}) {
            add("offset-" + offset, sound.with(tensor.offsetAt(), int64(offset)));
        }
        add("same-name", sound.with(sound.tensors().get(9).nameAt() + 8 + "blk.0.ffn_".length(), bytes("up")));
        add("name-escape", sound.with(tensor.nameAt() + 8, bytes("\u001b[31m")));
    }

    private void insertions() {
        for (int alignment : new int[] {0, 1, 3, 7, -1, 1 << 31, 1 << 30}) {
            insert("alignment-" + alignment, "general.alignment", join(int32(U32), int32(alignment)));
        }
        insert("alignment-text", "general.alignment", join(int32(STRING), string("32")));
        insert("same-key", "general.name", join(int32(STRING), string("again")));
        insert("deep", "x.y", join(int32(ARRAY), repeat(join(int32(ARRAY), int64(1)), NESTED), int32(U32), int64(0)));
        insert("path-as-key", "../../x", join(int32(STRING), string("foo")));
        insert("parts", "split.count", join(int32(U32), int32(60_000)));
        insert("part", "split.no", join(int32(U32), int32(5)));
        insert("escapes", "general.author", join(int32(STRING), string("\u001b]0;owned\u0007\u001b[2J")));
        insert("template-int", "tokenizer.chat_template", join(int32(I32), int32(5)));
        insert(
                "template-loop",
                "tokenizer.chat_template",
                join(
                        int32(STRING),
                        string("{% for i in range(99999) %}" + "{% for j in range(99999) %}{% endfor %}{% endfor %}")));
        insert("pre", "tokenizer.ggml.pre", join(int32(STRING), string("evil\u001b[31m")));
        insert("rope-scaling", "llama.rope.scaling.factor", join(int32(F32), float32(Float.NEGATIVE_INFINITY)));
    }

    private void ends() {
        byte[] whole = sound.bytes();
        int header = sound.headerEnd();
        for (int length :
                new int[] {0, 4, 20, 23, 100, header / 2, header - 3, header, header + 100, whole.length - 1}) {
            add("ends-at-" + length, Arrays.copyOf(whole, length));
        }
        add("zeros", new byte[whole.length]);
        byte[] ones = whole.clone();
        Arrays.fill(ones, header, whole.length, (byte) 0xff);
        add("not-numbers", ones);
    }

    private void flipped() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int file = 0; file < FLIPPED_FILES; file++) {
            byte[] bytes = sound.bytes();
            for (int bit = 0; bit < 3; bit++) {
                bytes[random.nextInt(FIELDS_AT, sound.headerEnd())] ^= (byte) (1 << random.nextInt(8));
            }
            add("flipped-" + file, bytes);
        }
    }

    private void insert(String name, String key, byte[] typeAndValue) {
        add(name, new GgufBytes(Map.of(key, typeAndValue)).bytes());
    }

    private void add(String name, byte[] content) {
        Path file = folder.file(name + ".gguf", content);
        folder.addModel(name, file);
    }

    private static byte[] repeat(byte[] part, int times) {
        byte[][] parts = new byte[times][];
        Arrays.fill(parts, part);
        return join(parts);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
