package io.moetier.emulator.driver.function;

import java.util.List;

/// The functions that LWJGL 3.3.6 wants a driver to have before it will use it.
final class RequiredFunctions {
    static final List<String> NAMES = List.of("""
            cuGetErrorString cuGetErrorName cuInit cuDriverGetVersion cuDeviceGet cuDeviceGetCount
            cuDeviceGetName cuDeviceTotalMem_v2 cuDeviceGetAttribute cuDeviceGetProperties
            cuDeviceComputeCapability cuCtxCreate_v2 cuCtxGetDevice cuCtxSynchronize cuCtxSetLimit cuCtxGetLimit
            cuCtxGetCacheConfig cuCtxSetCacheConfig cuCtxGetApiVersion cuCtxGetStreamPriorityRange cuCtxAttach
            cuCtxDetach cuModuleLoad cuModuleLoadData cuModuleLoadDataEx cuModuleLoadFatBinary cuModuleUnload
            cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleGetTexRef cuModuleGetSurfRef cuMemGetInfo_v2
            cuMemAlloc_v2 cuMemAllocPitch_v2 cuMemFree_v2 cuMemGetAddressRange_v2 cuMemAllocHost_v2
            cuMemFreeHost cuMemHostAlloc cuMemHostGetDevicePointer_v2 cuMemHostGetFlags cuMemcpyHtoD_v2
            cuMemcpyDtoH_v2 cuMemcpyDtoD_v2 cuMemcpyDtoA_v2 cuMemcpyAtoD_v2 cuMemcpyHtoA_v2 cuMemcpyAtoH_v2
            cuMemcpyAtoA_v2 cuMemcpy2D_v2 cuMemcpy2DUnaligned_v2 cuMemcpy3D_v2 cuMemcpyHtoDAsync_v2
            cuMemcpyDtoHAsync_v2 cuMemcpyDtoDAsync_v2 cuMemcpyHtoAAsync_v2 cuMemcpyAtoHAsync_v2
            cuMemcpy2DAsync_v2 cuMemcpy3DAsync_v2 cuMemsetD8_v2 cuMemsetD16_v2 cuMemsetD32_v2 cuMemsetD2D8_v2
            cuMemsetD2D16_v2 cuMemsetD2D32_v2 cuMemsetD8Async cuMemsetD16Async cuMemsetD32Async
            cuMemsetD2D8Async cuMemsetD2D16Async cuMemsetD2D32Async cuArrayCreate_v2 cuArrayGetDescriptor_v2
            cuArrayDestroy cuArray3DCreate_v2 cuArray3DGetDescriptor_v2 cuStreamCreate
            cuStreamCreateWithPriority cuStreamGetPriority cuStreamGetFlags cuStreamWaitEvent cuStreamQuery
            cuStreamSynchronize cuEventCreate cuEventRecord cuEventQuery cuEventSynchronize cuEventElapsedTime
            cuFuncGetAttribute cuFuncSetCacheConfig cuFuncSetBlockShape cuFuncSetSharedSize cuParamSetSize
            cuParamSeti cuParamSetf cuParamSetv cuLaunch cuLaunchGrid cuLaunchGridAsync cuParamSetTexRef
            cuTexRefSetArray cuTexRefSetMipmappedArray cuTexRefSetAddress_v2 cuTexRefSetAddress2D_v3
            cuTexRefSetFormat cuTexRefSetAddressMode cuTexRefSetFilterMode cuTexRefSetMipmapFilterMode
            cuTexRefSetMipmapLevelBias cuTexRefSetMipmapLevelClamp cuTexRefSetMaxAnisotropy
            cuTexRefSetBorderColor cuTexRefSetFlags cuTexRefGetAddress_v2 cuTexRefGetArray
            cuTexRefGetMipmappedArray cuTexRefGetAddressMode cuTexRefGetFilterMode cuTexRefGetFormat
            cuTexRefGetMipmapFilterMode cuTexRefGetMipmapLevelBias cuTexRefGetMipmapLevelClamp
            cuTexRefGetMaxAnisotropy cuTexRefGetBorderColor cuTexRefGetFlags cuTexRefCreate cuTexRefDestroy
            cuSurfRefSetArray cuSurfRefGetArray cuGraphicsUnregisterResource cuGraphicsSubResourceGetMappedArray
            cuGraphicsResourceGetMappedPointer_v2 cuGraphicsResourceSetMapFlags_v2 cuGraphicsMapResources
            cuGraphicsUnmapResources cuGetExportTable
            """.strip().split("\\s+"));

    private RequiredFunctions() {}
}
