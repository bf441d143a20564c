//! What NVML answers. Runs in the child alone: NVML can block in the kernel for ever.

use super::{Device, Nvml};
use crate::clock;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::enums::device::{SampleValue, UsedGpuMemory};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::structs::device::FieldId;
use std::time::Duration;

/// Time between two samples of the reasons for a lower clock.
const PAUSE: Duration = Duration::from_millis(200);
/// `NVML_SUCCESS`, `NVML_ERROR_NOT_SUPPORTED`, `NVML_ERROR_LIBRARY_NOT_FOUND`, `NVML_ERROR_FUNCTION_NOT_FOUND` (nvml.h).
const SUCCESS: u32 = 0;
const NOT_SUPPORTED: u32 = 3;
const LIBRARY_NOT_FOUND: u32 = 12;
const FUNCTION_NOT_FOUND: u32 = 13;
/// `NVML_FI_DEV_REMAPPED_PENDING`, `NVML_FI_DEV_REMAPPED_FAILURE`, `NVML_FI_DEV_GET_GPU_RECOVERY_ACTION` (nvml.h).
const REMAP_PENDING: FieldId = FieldId(144);
const REMAP_FAILURE: FieldId = FieldId(145);
const RECOVERY_ACTION: FieldId = FieldId(230);

/// Asks NVML in this process. May never return.
pub fn nvml_here() -> Nvml {
    let failed = |error: NvmlError| Nvml { code: code(error), ..Nvml::default() };
    let nvml = match nvml_wrapper::Nvml::init() {
        Ok(nvml) => nvml,
        Err(error) => return failed(error),
    };
    let driver_version = nvml.sys_driver_version().ok(); // an old library without it
    let count = match nvml.device_count() {
        Ok(count) => count,
        Err(error) => return Nvml { driver_version, ..failed(error) },
    };
    let mut devices: Vec<Device> = (0..count).map(|index| device(&nvml, index)).collect();
    // A reason counts when it is there twice.
    let began = clock::instant();
    let can_sample = devices.iter().any(|device| !device.clock_events.is_empty());
    while let Some(left) = PAUSE.checked_sub(began.elapsed()).filter(|left| can_sample && !left.is_zero()) {
        std::thread::park_timeout(left);
    }
    for device in devices.iter_mut().filter(|device| !device.clock_events.is_empty()) {
        let again = nvml.device_by_index(device.index).and_then(|again| again.current_throttle_reasons());
        device.clock_events.extend(again.map(|reasons| reasons.bits()));
    }
    Nvml { code: SUCCESS, driver_version, devices }
}

fn device(nvml: &nvml_wrapper::Nvml, index: u32) -> Device {
    // A card that has fallen off the bus must not hide the others.
    let device = match nvml.device_by_index(index) {
        Ok(device) => device,
        Err(error) => return Device { index, code: code(error), ..Device::default() },
    };
    let (memory, memory_code) = answer(device.memory_info());
    let (temperature, temperature_code) = answer(device.temperature(TemperatureSensor::Gpu));
    // The first question that a sick card refuses says what it has; what a card does not support says nothing.
    let first_error = [memory_code, temperature_code]
        .into_iter()
        .find(|code| !matches!(*code, SUCCESS | NOT_SUPPORTED | FUNCTION_NOT_FOUND));
    let fields = fields(&device);
    let capability = device.cuda_compute_capability().ok(); // unknown to an old library, as what follows
    let numbers = capability.and_then(|c| Some((u32::try_from(c.major).ok()?, u32::try_from(c.minor).ok()?)));
    Device {
        index,
        uuid: device.uuid().ok(),
        name: device.name().unwrap_or_default(),
        code: first_error.unwrap_or(SUCCESS),
        pci: device.pci_info().ok().map(|pci| pci.bus_id),
        capability: numbers,
        memory_total: memory.as_ref().map(|memory| memory.total),
        memory_used: memory.as_ref().map(|memory| memory.used),
        memory_free: memory.as_ref().map(|memory| memory.free),
        utilisation: device.utilization_rates().ok().map(|rates| rates.gpu),
        temperature,
        clock_events: device.current_throttle_reasons().map(|reasons| vec![reasons.bits()]).unwrap_or_default(),
        remap_pending: fields.first().copied().flatten().map(|value| value != 0),
        remap_failed: fields.get(1).copied().flatten().map(|value| value != 0),
        recovery_action: fields.get(2).copied().flatten().and_then(|value| u32::try_from(value).ok()),
        mig: device.mig_mode().ok().map(|mode| mode.current == 1),
        processes: processes(&device),
    }
}

/// Returns the values of the fields that the wrapper has no function for. None for one that this card or its driver
/// does not know.
fn fields(device: &nvml_wrapper::Device<'_>) -> Vec<Option<u64>> {
    let Ok(samples) = device.field_values_for(&[REMAP_PENDING, REMAP_FAILURE, RECOVERY_ACTION]) else {
        return Vec::new();
    };
    let value = |value: SampleValue| match value {
        SampleValue::U32(value) => Some(u64::from(value)),
        SampleValue::U64(value) => Some(value),
        SampleValue::I64(value) => u64::try_from(value).ok(), // a negative action is none
        SampleValue::F64(_) => None,
    };
    samples.into_iter().map(|sample| sample.ok()?.value.ok().and_then(value)).collect()
}

/// Returns the processes that compute or draw on the card: llama.cpp with Vulkan is among the second.
fn processes(device: &nvml_wrapper::Device<'_>) -> Vec<(u32, Option<u64>)> {
    let computing = device.running_compute_processes();
    let drawing = device.running_graphics_processes();
    let mut found: Vec<(u32, Option<u64>)> = Vec::new();
    for ProcessInfo { pid, used_gpu_memory, .. } in computing.into_iter().chain(drawing).flatten() {
        if !found.iter().any(|(known, _)| *known == pid) {
            let used = match used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            };
            found.push((pid, used));
        }
    }
    found
}

/// Returns the `nvmlReturn_t` of an error.
fn code(error: NvmlError) -> u32 {
    match error {
        // The library is loaded by the wrapper: NVML itself cannot say that it is missing.
        NvmlError::LibloadingError(_) => LIBRARY_NOT_FOUND,
        NvmlError::FailedToLoadSymbol(_) => FUNCTION_NOT_FOUND,
        other => other.into(),
    }
}

/// Splits an answer into its value and its `nvmlReturn_t`.
fn answer<T>(answer: Result<T, NvmlError>) -> (Option<T>, u32) {
    match answer {
        Ok(value) => (Some(value), SUCCESS),
        Err(error) => (None, code(error)),
    }
}
