package io.moetier.kernels.cuda;

import io.moetier.kernels.cuda.driver.CudaContext;
import io.moetier.kernels.cuda.driver.CudaFunction;
import io.moetier.kernels.cuda.driver.CudaModule;
import io.moetier.kernels.device.TiledWeights;
import io.moetier.storage.model.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The kernels, loaded: `engine/kernels/src/main/cuda` compiled.
final class KernelModules implements AutoCloseable {
    /// The resources with PTX, one for each source.
    static final List<String> NAMES =
            List.of("products", "tokens", "attention", "recurrent", "largest", "rounded", "router");

    private final List<CudaModule> modules = new ArrayList<>();
    private final Map<DType, ForType> forTypes = new EnumMap<>(DType.class);
    private final Map<DType, ForRouter> forRouters = new EnumMap<>(DType.class);
    final CudaFunction activatePairs;
    final CudaFunction copyRows;
    final CudaFunction eachToken;
    final ForCache attend;
    final ForCache attendLatents;
    final ForCache attendChosen;
    final ForCache attendChosenLatents;
    final ForCache attendCompressed;
    final CudaFunction attendSequence;
    final CudaFunction attendSequenceOdd;
    final CudaFunction joinSpans;
    final CudaFunction indexScoresF16;
    final CudaFunction indexScoresF32;
    final CudaFunction chooseKeys;
    final CudaFunction causalConvolution;
    final CudaFunction selectiveScan;
    final CudaFunction linearAttention;
    final CudaFunction compress;
    final CudaFunction largestOfParts;
    final CudaFunction roundToOneDigit;
    final CudaFunction roundToThreeDigits;
    final CudaFunction chooseExperts;

    /// The kernels of a type of weights.
    ///
    /// @param one multiplies by one row of activations, `several` by any number of them
    /// @param gatedOne multiplies two matrices and activates, as `gated`; null for types decoded weight by weight
    /// @param rounded multiplies one matrix, or two and activates, by rounded rows; null for types that are not
    ///     multiplied so
    record ForType(
            CudaFunction one,
            CudaFunction several,
            @Nullable CudaFunction gatedOne,
            @Nullable CudaFunction gated,
            @Nullable CudaFunction rounded,
            CudaFunction embed) {}

    /// The kernels that multiply by a router of a type of weights and choose: for one row, and for several.
    private record ForRouter(CudaFunction one, CudaFunction several) {}

    /// The kernels of a kind of cache: rows of whole runs of sixteen bytes, and others.
    record ForCache(CudaFunction f16, CudaFunction f32, CudaFunction oddF16, CudaFunction oddF32) {
        CudaFunction of(boolean half, boolean odd) {
            return half ? odd ? oddF16 : f16 : odd ? oddF32 : f32;
        }
    }

    KernelModules(CudaContext context) {
        for (String name : NAMES) {
            modules.add(context.load(ptx(name)));
        }
        CudaModule products = modules.get(0);
        CudaModule rounded = modules.get(5);
        for (DType dtype : DType.values()) {
            forTypes.put(dtype, forType(products, rounded, dtype));
        }
        activatePairs = products.function("activate_pairs");
        copyRows = products.function("copy_rows");
        eachToken = modules.get(1).function("each_token");
        CudaModule attention = modules.get(2);
        attend = forCache(attention, "attend");
        attendLatents = forCache(attention, "attend_latents");
        attendChosen = forCache(attention, "attend_chosen");
        attendChosenLatents = forCache(attention, "attend_chosen_latents");
        attendCompressed = forCache(attention, "attend_compressed");
        attendSequence = attention.function("attend_sequence");
        attendSequenceOdd = attention.function("attend_sequence_odd");
        joinSpans = attention.function("join_spans");
        indexScoresF16 = attention.function("index_scores_f16");
        indexScoresF32 = attention.function("index_scores_f32");
        chooseKeys = attention.function("choose_keys");
        CudaModule recurrent = modules.get(3);
        causalConvolution = recurrent.function("causal_convolution");
        selectiveScan = recurrent.function("selective_scan");
        linearAttention = recurrent.function("linear_attention");
        compress = recurrent.function("compress");
        largestOfParts = modules.get(4).function("largest_of_parts");
        roundToOneDigit = rounded.function("round_to_one_digit");
        roundToThreeDigits = rounded.function("round_to_three_digits");
        CudaModule router = modules.get(6);
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
            forRouters.put(
                    dtype,
                    new ForRouter(
                            router.function("route_one_" + dtype.label()), router.function("route_" + dtype.label())));
        }
        chooseExperts = router.function("choose_experts");
    }

    /// Returns the text of a resource.
    static String ptx(String name) {
        try (InputStream in = KernelModules.class.getResourceAsStream(name + ".ptx")) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ForType forType(CudaModule products, CudaModule rounded, DType dtype) {
        CudaFunction several = products.function("multiply_" + dtype.label());
        CudaFunction embed = products.function("embed_" + dtype.label());
        if (!TiledWeights.include(dtype)) {
            return new ForType(several, several, null, null, null, embed);
        }
        return new ForType(
                products.function("multiply_one_" + dtype.label()),
                several,
                products.function("multiply_gated_one_" + dtype.label()),
                products.function("multiply_gated_" + dtype.label()),
                dtype.blockElements() > 1 ? rounded.function("multiply_rounded_" + dtype.label()) : null,
                embed);
    }

    private static ForCache forCache(CudaModule attention, String name) {
        return new ForCache(
                attention.function(name + "_f16"),
                attention.function(name + "_f32"),
                attention.function(name + "_odd_f16"),
                attention.function(name + "_odd_f32"));
    }

    ForType of(DType dtype) {
        return Objects.requireNonNull(forTypes.get(dtype));
    }

    /// Returns the kernel that multiplies by a router and chooses; null for types that have none.
    @Nullable
    CudaFunction router(DType dtype, boolean one) {
        ForRouter type = forRouters.get(dtype);
        return type == null ? null : one ? type.one() : type.several();
    }

    @Override
    public void close() {
        modules.forEach(CudaModule::close);
    }
}
