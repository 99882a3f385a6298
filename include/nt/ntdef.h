/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The basic types, annotations and status codes that a ported driver's
 * prototypes are made of, under the names and with the sizes of 64-bit Windows.
 *
 * LONG and ULONG have 32 bits here as there, so print them with %d and %u or %x;
 * 64-bit types are long long, for %lld and %llx.
 */
#ifndef NT_NTDEF_H
#define NT_NTDEF_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

/* Calling conventions and linkage: the kernel has one. */
#define NTAPI
#define NTKERNELAPI
#define NTSYSAPI
#define NTHALAPI
#define FASTCALL
#define DECLSPEC_IMPORT
#ifndef FORCEINLINE
#define FORCEINLINE static __always_inline
#endif
#ifndef __forceinline
#define __forceinline __always_inline
#endif
#ifndef EXTERN_C
#define EXTERN_C extern
#endif

/* The older annotations. */
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif
#ifndef CONST
#define CONST const
#endif

/* The source annotation language: checked on Windows, for the reader here. */
#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _In_range_(low, high)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(size)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_to_(size, count)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_to_(size, count)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Pre_maybenull_
#define _Post_satisfies_(expression)
#define _Success_(expression)
#define _Field_size_(count)
#define _Field_size_bytes_(size)
#define _Field_range_(low, high)
#define _Reserved_
#define _Null_terminated_
#define _Frees_ptr_opt_
#define _Must_inspect_result_
#define _Check_return_
#define _Use_decl_annotations_
#define _Function_class_(name)
#define _When_(condition, annotations)
#define _At_(target, annotations)
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)
#define _IRQL_requires_min_(level)
#define _IRQL_requires_same_
#define _IRQL_raises_(level)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(kind, parameter)
#define _IRQL_restores_global_(kind, parameter)
#define _IRQL_always_function_min_(level)
#define _IRQL_always_function_max_(level)
#define _Acquires_lock_(lock)
#define _Releases_lock_(lock)
#define _Requires_lock_held_(lock)
#define _Requires_lock_not_held_(lock)
#define _Kernel_clear_do_init_(flag)
#define _Dispatch_type_(type)
#ifndef __drv_aliasesMem
#define __drv_aliasesMem
#endif

#ifndef VOID
#define VOID void
#endif
typedef void *PVOID, *LPVOID, *HANDLE;
typedef const void *PCVOID;
typedef PVOID *PPVOID;
typedef HANDLE *PHANDLE;

/* CHAR is for text: whether it is signed is the compiler's choice (-funsigned-char). */
typedef char CHAR, *PCHAR, *PSTR;
typedef const char *PCSTR;
typedef signed char SCHAR, CCHAR, *PSCHAR;
typedef unsigned char UCHAR, BYTE, BOOLEAN, *PUCHAR, *PBYTE, *PBOOLEAN;
typedef s16 SHORT, *PSHORT;
typedef u16 USHORT, WORD, WCHAR, *PUSHORT, *PWORD, *PWCHAR, *PWSTR;
typedef const WCHAR *PCWSTR;
typedef s32 LONG, INT, BOOL, *PLONG, *PINT, *PBOOL;
typedef u32 ULONG, UINT, DWORD, LOGICAL, *PULONG, *PUINT, *PDWORD;
typedef long long LONGLONG, LONG64, INT64, *PLONGLONG, *PLONG64, *PINT64;
typedef unsigned long long ULONGLONG, ULONG64, DWORD64, UINT64;
typedef unsigned long long *PULONGLONG, *PULONG64, *PDWORD64, *PUINT64;
typedef s8 INT8, *PINT8;
typedef u8 UINT8, *PUINT8;
typedef s16 INT16, *PINT16;
typedef u16 UINT16, *PUINT16;
typedef s32 INT32, LONG32, *PINT32, *PLONG32;
typedef u32 UINT32, ULONG32, *PUINT32, *PULONG32;
typedef long long LONG_PTR, INT_PTR, SSIZE_T, *PLONG_PTR, *PINT_PTR;
typedef unsigned long long ULONG_PTR, UINT_PTR, DWORD_PTR, SIZE_T;
typedef unsigned long long *PULONG_PTR, *PUINT_PTR, *PSIZE_T;

typedef union _LARGE_INTEGER {
	struct {
		ULONG LowPart;
		LONG HighPart;
	};
	struct {
		ULONG LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

typedef LONG NTSTATUS, *PNTSTATUS;

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

#define STATUS_SUCCESS			((NTSTATUS)0x00000000)
#define STATUS_UNSUCCESSFUL		((NTSTATUS)0xC0000001)
#define STATUS_NOT_IMPLEMENTED		((NTSTATUS)0xC0000002)
#define STATUS_INFO_LENGTH_MISMATCH	((NTSTATUS)0xC0000004)
#define STATUS_INVALID_PARAMETER	((NTSTATUS)0xC000000D)
#define STATUS_NO_SUCH_DEVICE		((NTSTATUS)0xC000000E)
#define STATUS_INVALID_DEVICE_REQUEST	((NTSTATUS)0xC0000010)
#define STATUS_ACCESS_DENIED		((NTSTATUS)0xC0000022)
#define STATUS_BUFFER_TOO_SMALL		((NTSTATUS)0xC0000023)
#define STATUS_INSUFFICIENT_RESOURCES	((NTSTATUS)0xC000009A)
#define STATUS_NOT_SUPPORTED		((NTSTATUS)0xC00000BB)
#define STATUS_NOT_FOUND		((NTSTATUS)0xC0000225)

typedef UCHAR KIRQL, *PKIRQL;

/* Bit n is the processor with number n of some group. */
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;

typedef struct _GROUP_AFFINITY {
	KAFFINITY Mask;
	USHORT Group;
	USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

typedef struct _PROCESSOR_NUMBER {
	USHORT Group;
	UCHAR Number;
	UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

#define MAXIMUM_PROC_PER_GROUP	64
#define MAXIMUM_PROCESSORS	MAXIMUM_PROC_PER_GROUP
#define ALL_PROCESSOR_GROUPS	0xffff

#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(parameter)	((void)(parameter))
#endif
#ifndef ARGUMENT_PRESENT
#define ARGUMENT_PRESENT(pointer)		((pointer) != NULL)
#endif
#ifndef C_ASSERT
#define C_ASSERT(expression)			static_assert(expression)
#endif
#ifndef ARRAYSIZE
#define ARRAYSIZE(array)			(sizeof(array) / sizeof((array)[0]))
#endif
#ifndef FIELD_OFFSET
#define FIELD_OFFSET(type, field)		((LONG)offsetof(type, field))
#endif
#ifndef CONTAINING_RECORD
#define CONTAINING_RECORD(address, type, field)	\
	((type *)((PUCHAR)(address) - offsetof(type, field)))
#endif

#define RtlZeroMemory(destination, length)	memset(destination, 0, length)
#define RtlFillMemory(destination, length, fill) memset(destination, fill, length)
#define RtlCopyMemory(destination, source, length) memcpy(destination, source, length)
#define RtlMoveMemory(destination, source, length) memmove(destination, source, length)

/* What binary-compatible structures and masks rest on. */
static_assert(sizeof(PVOID) == 8, "ntaffinity needs a 64-bit kernel");
static_assert(sizeof(LONG) == 4 && sizeof(ULONG) == 4);
static_assert(sizeof(ULONG_PTR) == 8 && sizeof(KAFFINITY) == 8);
static_assert(sizeof(GROUP_AFFINITY) == 16);
static_assert(offsetof(GROUP_AFFINITY, Mask) == 0);
static_assert(offsetof(GROUP_AFFINITY, Group) == 8);
static_assert(offsetof(GROUP_AFFINITY, Reserved) == 10);
static_assert(sizeof(PROCESSOR_NUMBER) == 4);
static_assert(offsetof(PROCESSOR_NUMBER, Number) == 2);
static_assert(offsetof(PROCESSOR_NUMBER, Reserved) == 3);

#endif /* NT_NTDEF_H */
