package net.openhft.chronicle.hash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.Method;
import java.util.Locale;
import net.openhft.chronicle.bytes.Byteable;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.values.ValueModel;
import net.openhft.chronicle.values.Values;
import net.openhft.compiler.CompilerUtils;
import org.junit.jupiter.api.Test;

/// [VanillaGlobalMutableState$$Native] against the class that Chronicle would write.
class GlobalMutableStateTest {
    private static final int BYTES = 25;

    private final BytesStore<?, byte[]> store = BytesStore.wrap(new byte[BYTES + 2]);

    @Test
    void chronicleTakesItForItsOwn() {
        assertEquals(VanillaGlobalMutableState$$Native.class, Values.nativeClassFor(VanillaGlobalMutableState.class));
    }

    @Test
    void readsAndWritesWhatChronicleWould() throws ReflectiveOperationException {
        VanillaGlobalMutableState ours = at(new VanillaGlobalMutableState$$Native());
        VanillaGlobalMutableState theirs = at(generated());
        fill(ours, 0);
        expect(theirs, 0);
        fill(theirs, 1);
        expect(ours, 1);
        assertEquals(theirs.addDataStoreSize(-3), ours.addDataStoreSize(0));
        assertEquals(BYTES, ((Byteable) theirs).maxSize());
        assertEquals(0, store.readByte(0));
        assertEquals(0, store.readByte(BYTES + 1));
    }

    @Test
    void refusesWhatDoesNotFit() {
        VanillaGlobalMutableState state = at(new VanillaGlobalMutableState$$Native());
        assertThrows(IllegalArgumentException.class, () -> state.setAllocatedExtraTierBulks(1 << 24));
        assertThrows(IllegalArgumentException.class, () -> state.setExtraTiersInUse(-1));
        assertThrows(
                IllegalArgumentException.class,
                () -> new VanillaGlobalMutableState$$Native().bytesStore(store, 3, BYTES));
    }

    private VanillaGlobalMutableState at(VanillaGlobalMutableState state) {
        ((Byteable) state).bytesStore(store, 1, BYTES);
        return state;
    }

    private static void fill(VanillaGlobalMutableState state, int less) {
        state.setAllocatedExtraTierBulks((1 << 24) - 1 - less);
        state.setFirstFreeTierIndex((1L << 40) - 2 - less);
        state.setExtraTiersInUse((1L << 40) - 3 - less);
        state.setSegmentHeadersOffset((1L << 32) - 4 - less);
        state.setDataStoreSize(Long.MAX_VALUE - 5 - less);
    }

    private static void expect(VanillaGlobalMutableState state, int less) {
        assertEquals((1 << 24) - 1 - less, state.getAllocatedExtraTierBulks());
        assertEquals((1L << 40) - 2 - less, state.getFirstFreeTierIndex());
        assertEquals((1L << 40) - 3 - less, state.getExtraTiersInUse());
        assertEquals((1L << 32) - 4 - less, state.getSegmentHeadersOffset());
        assertEquals(Long.MAX_VALUE - 5 - less, state.getDataStoreSize());
    }

    private static VanillaGlobalMutableState generated() throws ReflectiveOperationException {
        Method generate = Class.forName("net.openhft.chronicle.values.Generators")
                .getDeclaredMethod("generateNativeClass", ValueModel.class, String.class);
        generate.setAccessible(true);
        ValueModel model = ValueModel.acquire(VanillaGlobalMutableState.class);
        Locale locale = Locale.getDefault();
        Locale.setDefault(Locale.ROOT); // Chronicle writes Java with the digits and the i of the user's language
        String source;
        try {
            source = String.valueOf(generate.invoke(null, model, "GeneratedState"));
        } finally {
            Locale.setDefault(locale);
        }
        Class<?> type = CompilerUtils.CACHED_COMPILER.loadFromJava(
                VanillaGlobalMutableState.class.getClassLoader(), "net.openhft.chronicle.hash.GeneratedState", source);
        return (VanillaGlobalMutableState) type.getDeclaredConstructor().newInstance();
    }
}
