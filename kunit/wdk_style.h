/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source in the style of the WDK, as it would stand in a ported driver: names,
 * typedefs and annotations are not those of the kernel, and are the point.
 * header_test.c compiles and runs it.
 */
#ifndef NTA_KUNIT_WDK_STYLE_H
#define NTA_KUNIT_WDK_STYLE_H

#include "wdm.h"

typedef struct _DEVICE_EXTENSION {
	IN ULONG Size;
	OUT LARGE_INTEGER Started;
	_Field_size_(Size) PUCHAR Data;
	PVOID Context OPTIONAL;
	HANDLE Thread;
} DEVICE_EXTENSION, *PDEVICE_EXTENSION;

typedef VOID (NTAPI *PWORK_ROUTINE)(_In_ PVOID Context);

_IRQL_requires_max_(APC_LEVEL)
_Must_inspect_result_
static NTSTATUS NTAPI
RunOnProcessor(_In_ ULONG Index, _In_ PWORK_ROUTINE Routine,
	       _In_opt_ PVOID Context, _Out_opt_ PPROCESSOR_NUMBER Where);

_Function_class_(KSTART_ROUTINE)
_IRQL_requires_same_
static VOID NTAPI
CountOne(IN PVOID Context)
{
	PULONG Count = (PULONG)Context;

	PAGED_CODE();
	*Count += 1;
}

_Use_decl_annotations_
static NTSTATUS NTAPI
RunOnProcessor(ULONG Index, PWORK_ROUTINE Routine, PVOID Context,
	       PPROCESSOR_NUMBER Where)
{
	GROUP_AFFINITY Affinity, Previous;
	PROCESSOR_NUMBER Number;
	NTSTATUS Status;

	Status = KeGetProcessorNumberFromIndex(Index, &Number);
	if (!NT_SUCCESS(Status))
		return Status;

	RtlZeroMemory(&Affinity, sizeof(Affinity));
	Affinity.Group = Number.Group;
	Affinity.Mask = (KAFFINITY)1 << Number.Number;
	KeSetSystemGroupAffinityThread(&Affinity, &Previous);
	Routine(Context);
	if (ARGUMENT_PRESENT(Where))
		KeGetCurrentProcessorNumberEx(Where);
	KeRevertToUserGroupAffinityThread(&Previous);
	return STATUS_SUCCESS;
}

_When_(return == 0, _Post_satisfies_(*Length == 0))
_Success_(return != FALSE)
FORCEINLINE BOOLEAN
copy_name(_Out_writes_bytes_to_(Size, *Length) PUCHAR Buffer, IN ULONG Size,
	  _In_reads_bytes_(Size) CONST UCHAR *Name, OUT PULONG Length OPTIONAL)
{
	RtlFillMemory(Buffer, Size, 0);
	RtlCopyMemory(Buffer, Name, Size);
	RtlMoveMemory(Buffer, Buffer, Size);
	if (Length)
		*Length = Size;
	return TRUE;
}

/* What the test calls. */
struct sample {
	ULONG runs;
	ULONG good;
	ULONG count;
	NTSTATUS bad_index;
};

static void run_sample(void *data)
{
	struct sample *sample = data;
	PROCESSOR_NUMBER where;
	ULONG index;

	sample->count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	for (index = 0; index < sample->count; index++) {
		if (NT_SUCCESS(RunOnProcessor(index, CountOne, &sample->runs,
					      &where)))
			sample->good +=
				KeGetProcessorIndexFromNumber(&where) == index;
	}
	sample->bad_index = RunOnProcessor(sample->count, CountOne,
					   &sample->runs, NULL);
}

#endif /* NTA_KUNIT_WDK_STYLE_H */
